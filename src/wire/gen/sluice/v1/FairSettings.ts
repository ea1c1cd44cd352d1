// Original file: proto/sluice/v1/device.proto


export interface FairSettings {
  'credit'?: (number | string);
  'idleResetMs'?: (number);
  '_credit'?: "credit";
  '_idleResetMs'?: "idleResetMs";
}

export interface FairSettings__Output {
  'credit'?: (number);
  'idleResetMs'?: (number);
  '_credit'?: "credit";
  '_idleResetMs'?: "idleResetMs";
}
