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
  /** Requests that a guest's own scheduler may have at its virtual disk (tagged queuing of the emulated controller). */
  virtualDiskQueue: 32,
  readAheadBytes: 128 * KIB,
  writebackEveryNs: 5 * NS_PER_S,
  dirtyExpiresNs: 30 * NS_PER_S,
  writebackBytesMax: 512 * KIB,
  /** Most writes of a guest's write-back that are out at once. */
  writebackOut: 8,
  /** Past it write-back starts at once (vm.dirty_background_ratio 10), past the second writers wait (vm.dirty_ratio 20). */
  dirtyBytesBackground: 0.1 * GIB,
  dirtyBytesMax: 0.2 * GIB,
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

/** Shipped values of webserver.f 3.1 and varmail.f 3.0, the number of files apart. */
export const FILEBENCH = {
  fileBytesMean: 16 * KIB,
  gammaShape: 1.5,
  pageBytes: 4 * KIB,
  readsALoop: 10,
  /** Appends are uniform below it. */
  appendBytesEnd: 16 * KIB,
  /** Part of the mail server's files that exist at the start. */
  mailFilesPart: 0.8,
  /** Open, read whole and close of a file in memory; or open, append, close. */
  cpuNs: 40 * NS_PER_US,
} as const;

/** Voldemort's tool: values of 1,024 bytes, which lie across a border of pages 27 times in 100. */
export const DHT = {
  storeBytes: 10 * GIB,
  pageBytes: 4 * KIB,
  acrossPages: 0.27,
  /** A get in the server: protocol, index, version vector. */
  cpuNs: 100 * NS_PER_US,
} as const;

/** Journal of a guest's file system: a commit is a descriptor, metadata and a commit block, 8 to 24 KiB. */
export const JOURNAL = {
  offset: 39 * GIB,
  bytes: 128 * MIB,
  commitBytesMin: 8 * KIB,
  commitBytesMax: 24 * KIB,
  bytesAJoiner: 4 * KIB,
} as const;

/** Where the log of the web server is written back to. */
export const LOG = { offset: 38 * GIB, bytes: GIB } as const;
