/**
 * What the modelled machine is made of, and where each number is from.
 *
 * The paper (section 5.1): 8 GB of memory, guests with 1 GB each, 2,000 files of 16 MB for sysbench, runs of three
 * minutes. Linux 3.2: read-ahead of at most 128 KiB (VM_MAX_READAHEAD), which begins at twice what was
 * asked for and doubles (mm/readahead.c); dirty pages are looked at every 5 s and written when 30 s old
 * (Documentation/sysctl/vm.txt, dirty_writeback_centisecs, dirty_expire_centisecs).
 *
 * Assumed, since the paper does not say: times on the processor. They are of the order that a virtual
 * machine of 2012 needs, and decide nothing on a hard disk; docs/reproduction.md names what they decide on flash.
 */
import { GIB, KIB, MIB, NS_PER_S, NS_PER_US } from '../../core/model/units.js';

export const MACHINE = {
  guestMemoryBytes: GIB,
  /** What kernel and applications leave of a guest's memory to its page cache. */
  guestCacheBytes: 768 * MIB,
  /** 8 GB, less five guests, less the host's own. */
  hostCacheBytes: 2 * GIB,
  virtualDiskBytes: 40 * GIB,
  hddBytes: 500e9,
  ssdBytes: 240 * GIB,
  readAheadBytes: 128 * KIB,
  writebackEveryNs: 5 * NS_PER_S,
  dirtyExpiresNs: 30 * NS_PER_S,
  writebackBytesMax: 512 * KIB,
  /** On the guest's processor: leaving the guest for a request of its disk, and coming back. */
  exitNs: 40 * NS_PER_US,
  /** A read that the hypervisor's page cache answers. */
  hostHitNs: 10 * NS_PER_US,
} as const;

export const SYSBENCH = {
  files: 2_000,
  fileBytes: 16 * MIB,
  blockBytes: 16 * KIB,
  /** One pread of 16 KiB that the page cache answers. */
  cpuNs: 10 * NS_PER_US,
} as const;
