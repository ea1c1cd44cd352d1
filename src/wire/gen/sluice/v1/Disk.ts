// Original file: proto/sluice/v1/disk.proto


export interface Disk {
  'socket'?: (string);
  'device'?: (string);
  'tag'?: (string);
  'map'?: ({[key: string]: string});
  'connected'?: (boolean);
  'inFlight'?: (number);
  'complaint'?: (string);
}

export interface Disk__Output {
  'socket': (string);
  'device': (string);
  'tag': (string);
  'map': ({[key: string]: string});
  'connected': (boolean);
  'inFlight': (number);
  'complaint': (string);
}
