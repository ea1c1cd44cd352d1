// Original file: proto/sluice/v1/disk.proto


export interface PriorityName {
  'priority'?: (string);
  'segment'?: (string);
}

export interface PriorityName__Output {
  'priority': (string);
  'segment': (string);
}
