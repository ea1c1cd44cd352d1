// Original file: proto/sluice/v1/disk.proto


export interface ListDisksRequest {
}

export interface ListDisksRequest__Output {
}
