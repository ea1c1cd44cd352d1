// Original file: proto/sluice/v1/disk.proto


export interface AttachDiskRequest {
  'device'?: (string);
  'tag'?: (string);
  'socket'?: (string);
  'map'?: ({[key: string]: string});
}

export interface AttachDiskRequest__Output {
  'device': (string);
  'tag': (string);
  'socket': (string);
  'map': ({[key: string]: string});
}
