/** Reads numbers and words out of a line's bytes without making strings. */
import { NS_PER_S } from '../../core/model/units.js';

const SPACE = 0x20;
const TAB = 0x09;
const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;
/** Fifteen digits stay below 2^53 whatever they are. */
const EXACT_DIGITS = 15;
const FRACTION_DIGITS = 9;

export class Scanner {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  /** Bounds of the word that word() found. */
  wordStart = 0;
  wordEnd = 0;
  /** What time() or ticks() found. */
  timeS = 0;
  timeNs = 0;

  over(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  blanks(): void {
    while (this.at < this.end) {
      const byte = this.bytes[this.at];
      if (byte !== SPACE && byte !== TAB) return;
      this.at++;
    }
  }

  atEnd(): boolean {
    return this.at >= this.end;
  }

  /** Takes the byte if it is the next one. */
  take(byte: number): boolean {
    if (this.at >= this.end || this.bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  /** A run of digits as a number; -1 where there is none or it has more than 15 significant ones. */
  digits(): number {
    const { bytes, end } = this;
    const start = this.at;
    let at = start;
    let value = 0;
    while (at < end) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      at++;
    }
    this.at = at;
    if (at === start || (at - start > EXACT_DIGITS && value > Number.MAX_SAFE_INTEGER)) return -1;
    return value;
  }

  /** Seconds with up to nine decimals, exactly, into timeS and timeNs. */
  time(): boolean {
    const seconds = this.digits();
    if (seconds < 0) return false;
    this.timeS = seconds;
    this.timeNs = 0;
    if (!this.take(DOT)) return true;
    let ns = 0;
    let places = 0;
    while (this.at < this.end) {
      const digit = this.bytes[this.at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      // Beyond the ninth decimal lies less than a nanosecond.
      if (places < FRACTION_DIGITS) {
        ns = ns * 10 + digit;
        places++;
      }
      this.at++;
    }
    while (places < FRACTION_DIGITS) {
      ns *= 10;
      places++;
    }
    this.timeNs = ns;
    return true;
  }

  /**
   * A whole number of ticks, `tickDigits` of them decimal places of a second, exactly at any length:
   * a filetime has 18 digits, more than one number holds.
   */
  ticks(tickDigits: number, tickNs: number): boolean {
    const start = this.at;
    let at = start;
    while (at < this.end && this.bytes[at]! >= ZERO && this.bytes[at]! <= NINE) at++;
    this.at = at;
    if (at === start || at - start > EXACT_DIGITS + tickDigits) return false;
    const split = Math.max(start, at - tickDigits);
    this.timeS = this.#value(start, split);
    this.timeNs = this.#value(split, at) * tickNs;
    return this.timeNs < NS_PER_S;
  }

  #value(start: number, end: number): number {
    let value = 0;
    for (let i = start; i < end; i++) value = value * 10 + this.bytes[i]! - ZERO;
    return value;
  }

  /** The bytes up to the next blank or `stop`; false where there are none. */
  word(stop: number): boolean {
    this.wordStart = this.at;
    while (this.at < this.end) {
      const byte = this.bytes[this.at];
      if (byte === stop || byte === SPACE || byte === TAB) break;
      this.at++;
    }
    this.wordEnd = this.at;
    return this.wordEnd > this.wordStart;
  }

  /** Whether the word is `text`, which is lower case, in either case. */
  wordIs(text: string): boolean {
    if (this.wordEnd - this.wordStart !== text.length) return false;
    for (let i = 0; i < text.length; i++) {
      let byte = this.bytes[this.wordStart + i]!;
      if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
      if (byte !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** The word as an error message shows it. */
  wordText(): string {
    return Buffer.from(this.bytes.subarray(this.wordStart, Math.min(this.wordEnd, this.wordStart + 40))).toString(
      'latin1',
    );
  }
}
