// Original file: proto/sluice/v1/disk.proto


export interface DetachDiskResponse {
}

export interface DetachDiskResponse__Output {
}
