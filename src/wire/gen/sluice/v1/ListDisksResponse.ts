// Original file: proto/sluice/v1/disk.proto

import type { Disk as _sluice_v1_Disk, Disk__Output as _sluice_v1_Disk__Output } from '../../sluice/v1/Disk.js';

export interface ListDisksResponse {
  'disks'?: (_sluice_v1_Disk)[];
}

export interface ListDisksResponse__Output {
  'disks': (_sluice_v1_Disk__Output)[];
}
