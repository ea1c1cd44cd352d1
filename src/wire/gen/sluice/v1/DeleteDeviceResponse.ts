// Original file: proto/sluice/v1/device.proto


export interface DeleteDeviceResponse {
}

export interface DeleteDeviceResponse__Output {
}
