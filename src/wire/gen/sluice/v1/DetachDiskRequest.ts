// Original file: proto/sluice/v1/disk.proto


export interface DetachDiskRequest {
  'socket'?: (string);
}

export interface DetachDiskRequest__Output {
  'socket': (string);
}
