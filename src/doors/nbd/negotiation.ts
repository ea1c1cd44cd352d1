/** The options of one connection, answered until transmission begins or the client goes. */
import { SluiceError } from '../../core/model/errors.js';
import { encodeGreeting, encodeExport, encodeInfoBlockSize, encodeInfoExport } from '../../wire/nbd/replies.js';
import { encodeInfoText, encodeMetaContext, encodeOptionReply, encodeServer } from '../../wire/nbd/replies.js';
import { INFO, NbdProtocolError, OPTION_REPLIES, type OptionReplyType } from '../../wire/nbd/protocol.js';
import type { NbdOption } from '../../wire/nbd/options.js';
import { toOptionReply } from './errno.js';
import { blockSizes, findExport, listExports, transmissionFlags, type Export } from './exports.js';
import type { NbdDoorParts } from './parts.js';

/** The only context there is, and the number that we give it. */
export const ALLOCATION = 'base:allocation';
export const ALLOCATION_ID = 1;
/** Options that one client may ask before it gets to work. */
const OPTIONS_MAX = 4_096;

/** What is to happen once an option is answered. */
export type Negotiated =
  | { readonly kind: 'more' }
  | { readonly kind: 'starttls' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'transmission'; readonly export: Export };

const MORE: Negotiated = { kind: 'more' };

export class Negotiation {
  readonly #parts: NbdDoorParts;
  readonly #write: (bytes: Buffer) => void;
  #noZeroes = false;
  #secure: boolean;
  #options = 0;
  #structured = false;
  /** The export for which the allocation context was chosen; null = not chosen. */
  #contextOf: string | null = null;

  constructor(parts: NbdDoorParts, write: (bytes: Buffer) => void) {
    this.#parts = parts;
    this.#write = write;
    this.#secure = parts.tls === null;
    write(encodeGreeting());
  }

  get structured(): boolean {
    return this.#structured;
  }

  /** Whether BLOCK_STATUS was agreed on for the export. */
  hasContext(name: string): boolean {
    return this.#contextOf === name;
  }

  flags(noZeroes: boolean): void {
    this.#noZeroes = noZeroes;
  }

  /** TLS stands: nothing that was agreed on before holds. */
  secured(): void {
    this.#secure = true;
    this.#structured = false;
    this.#contextOf = null;
  }

  /** @throws NbdProtocolError where the connection has to be closed without an answer */
  async answer(number: number, option: NbdOption, draining: boolean): Promise<Negotiated> {
    this.#options += 1;
    if (this.#options > OPTIONS_MAX) throw new NbdProtocolError(`a client may ask ${String(OPTIONS_MAX)} options`);
    if (option.kind === 'export-name') return this.#exportName(option.name, draining);
    if (option.kind === 'abort') {
      this.#ack(number);
      return { kind: 'gone' };
    }
    if (option.kind === 'starttls') return this.#startTls(number);
    if (!this.#secure) return this.#refuse(number, OPTION_REPLIES.ERR_TLS_REQD, 'this server wants TLS first');
    if (draining) return this.#refuse(number, OPTION_REPLIES.ERR_SHUTDOWN, 'this host is draining');
    switch (option.kind) {
      case 'malformed':
        return this.#refuse(number, OPTION_REPLIES.ERR_INVALID, option.reason);
      case 'unknown':
        return this.#refuse(number, OPTION_REPLIES.ERR_UNSUP, `option ${String(number)} is not served`);
      case 'structured-reply':
        this.#structured = true;
        return this.#ack(number);
      case 'list': {
        const names = await listExports(this.#parts.devices, this.#parts.policies);
        for (const name of names) this.#write(encodeServer(number, name));
        return this.#ack(number);
      }
      case 'info':
      case 'go':
        return this.#info(number, option.kind, option.name, option.infos);
      case 'list-meta-context':
      case 'set-meta-context':
        return this.#metaContext(number, option.kind, option.name, option.queries);
    }
  }

  /** Has no way to refuse but to close. */
  #exportName(name: string, draining: boolean): Negotiated {
    if (!this.#secure) throw new NbdProtocolError('EXPORT_NAME without TLS, which this server wants');
    if (draining) return { kind: 'gone' };
    try {
      const found = findExport(this.#parts.devices, name, true);
      const flags = transmissionFlags(found.device, this.#structured);
      this.#write(encodeExport(found.device.sizeBytes, flags, this.#noZeroes));
      return { kind: 'transmission', export: found };
    } catch (error) {
      throw new NbdProtocolError(SluiceError.from(error).message);
    }
  }

  #startTls(number: number): Negotiated {
    if (this.#parts.tls === null) {
      return this.#refuse(number, OPTION_REPLIES.ERR_POLICY, 'this server has no TLS (listen.nbd_tls)');
    }
    if (this.#secure) return this.#refuse(number, OPTION_REPLIES.ERR_INVALID, 'TLS stands already');
    this.#ack(number);
    return { kind: 'starttls' };
  }

  #info(number: number, kind: 'info' | 'go', name: string, infos: readonly number[]): Negotiated {
    let found: Export;
    try {
      found = findExport(this.#parts.devices, name, kind === 'go');
    } catch (error) {
      const { code, message } = SluiceError.from(error);
      return this.#refuse(number, toOptionReply(code), message);
    }
    const { device } = found;
    const { minimum, preferred, maximum } = blockSizes(device);
    this.#write(encodeInfoExport(number, device.sizeBytes, transmissionFlags(device, this.#structured)));
    this.#write(encodeInfoBlockSize(number, minimum, preferred, maximum));
    if (infos.includes(INFO.NAME)) this.#write(encodeInfoText(number, INFO.NAME, name));
    if (infos.includes(INFO.DESCRIPTION)) {
      const whose = found.tag === '' ? 'name it DEVICE@TAG to use it' : `requests carry tag ${found.tag}`;
      this.#write(encodeInfoText(number, INFO.DESCRIPTION, `device ${device.name}, ${whose}`));
    }
    this.#ack(number);
    return kind === 'go' ? { kind: 'transmission', export: found } : MORE;
  }

  #metaContext(
    number: number,
    kind: 'list-meta-context' | 'set-meta-context',
    name: string,
    queries: readonly string[],
  ): Negotiated {
    const setting = kind === 'set-meta-context';
    // Whatever is set replaces what was, also where it is refused.
    if (setting) this.#contextOf = null;
    if (setting && !this.#structured) {
      return this.#refuse(number, OPTION_REPLIES.ERR_INVALID, 'structured replies have not been agreed on');
    }
    try {
      findExport(this.#parts.devices, name, false);
    } catch (error) {
      const { code, message } = SluiceError.from(error);
      return this.#refuse(number, toOptionReply(code), message);
    }
    const all = !setting && queries.length === 0;
    if (all || queries.includes(ALLOCATION) || (!setting && queries.includes('base:'))) {
      this.#write(encodeMetaContext(number, setting ? ALLOCATION_ID : 0, ALLOCATION));
      if (setting) this.#contextOf = name;
    }
    return this.#ack(number);
  }

  #ack(number: number): Negotiated {
    this.#write(encodeOptionReply(number, OPTION_REPLIES.ACK));
    return MORE;
  }

  #refuse(number: number, type: OptionReplyType, message: string): Negotiated {
    this.#write(encodeOptionReply(number, type, Buffer.from(message)));
    return MORE;
  }
}
