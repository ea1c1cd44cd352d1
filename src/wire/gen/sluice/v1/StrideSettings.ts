// Original file: proto/sluice/v1/device.proto


export interface StrideSettings {
  'globalShares'?: (number | string);
  'sleepMs'?: (number);
  'threshold'?: (number | string);
  'sleepRule'?: (string);
  '_globalShares'?: "globalShares";
  '_sleepMs'?: "sleepMs";
  '_threshold'?: "threshold";
  '_sleepRule'?: "sleepRule";
}

export interface StrideSettings__Output {
  'globalShares'?: (number);
  'sleepMs'?: (number);
  'threshold'?: (number);
  'sleepRule'?: (string);
  '_globalShares'?: "globalShares";
  '_sleepMs'?: "sleepMs";
  '_threshold'?: "threshold";
  '_sleepRule'?: "sleepRule";
}
