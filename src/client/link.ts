/** One stream to a host, as the session sees it. */
import type { SluiceError } from '../core/model/errors.js';
import { NS_PER_MS } from '../core/model/units.js';
import type { Done__Output } from '../wire/gen/sluice/v1/Done.js';
import type { Welcome__Output } from '../wire/gen/sluice/v1/Welcome.js';
import type { ServerFrame, Wire, WireEvents } from './network.js';

/**
 * `greeting`: dialled, hello sent, no welcome yet. `ready`: takes requests. `leaving`: the host said
 * GoAway; what is out is awaited, nothing new is sent. `ended`: gone; whatever it still says is ignored.
 */
export type LinkState = 'greeting' | 'ready' | 'leaving' | 'ended';

export interface LinkOwner {
  received(link: Link, frame: ServerFrame): void;
  writable(link: Link): void;
  ended(link: Link, error: SluiceError): void;
}

export class Link implements WireEvents {
  readonly address: string;
  readonly addressIndex: number;
  private readonly owner: LinkOwner;
  state: LinkState = 'greeting';
  wire!: Wire;
  writableNow = true;
  /** Requests out on it. */
  outstanding = 0;
  /** Ids to take back on it with the next frame. */
  readonly cancels: number[] = [];
  /** What is to be said of leases with the next frame. */
  readonly dones: Done__Output[] = [];
  readonly renewals: number[] = [];
  welcomedNs = 0;
  hostId = '';
  resumed = false;
  fenceNs = 0;
  maxIoBytes = 0;
  maxFrameBytes = 0;
  maxHandles = 0;

  constructor(address: string, addressIndex: number, owner: LinkOwner) {
    this.address = address;
    this.addressIndex = addressIndex;
    this.owner = owner;
  }

  welcome(welcome: Welcome__Output, nowNs: number): void {
    this.state = 'ready';
    this.welcomedNs = nowNs;
    this.hostId = welcome.hostId;
    this.resumed = welcome.resumed;
    this.fenceNs = welcome.fenceMs * NS_PER_MS;
    this.maxIoBytes = welcome.maxIoBytes;
    this.maxFrameBytes = welcome.maxFrameBytes;
    this.maxHandles = welcome.maxHandles;
  }

  /** Something is to be said besides requests. */
  get hasWords(): boolean {
    return this.cancels.length > 0 || this.dones.length > 0 || this.renewals.length > 0;
  }

  /** The same running host that still knows this session: it answers a repeated id from memory. */
  remembers(hostId: string): boolean {
    return this.resumed && this.hostId === hostId;
  }

  received(frame: ServerFrame): void {
    if (this.state !== 'ended') this.owner.received(this, frame);
  }

  writable(): void {
    this.writableNow = true;
    if (this.state !== 'ended') this.owner.writable(this);
  }

  ended(error: SluiceError): void {
    if (this.state !== 'ended') this.owner.ended(this, error);
  }
}
