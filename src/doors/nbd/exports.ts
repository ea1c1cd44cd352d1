/** Exports by name: `DEVICE@TAG`, so that a guest's disk carries its tag. */
import { SluiceError, show } from '../../core/model/errors.js';
import { ANY_DEVICE } from '../../core/model/policy.js';
import { isDeviceName, isTag } from '../../core/model/tag.js';
import type { ServedDevice, ServedDevices } from '../../core/ports.js';
import { PAYLOAD_BYTES_MAX, TRANSMISSION_FLAGS } from '../../wire/nbd/protocol.js';
import type { PolicyLister } from './parts.js';

/** A device as a guest with one tag sees it. */
export interface Export {
  readonly name: string;
  readonly device: ServedDevice;
  /** '' where only the device was named: it can be looked at, not used. */
  readonly tag: string;
  /** As they were told to the client. */
  readonly sizeBytes: number;
  readonly blockBytes: number;
}

/** Most names that a list gives. */
const LIST_MAX = 1_000;
const PREFERRED_BLOCK_BYTES = 4_096;

/** @throws SluiceError NOT_FOUND, DRAINING, DEVICE_IO: with what is wrong with the name or the device */
export function findExport(devices: ServedDevices, name: string, use: boolean): Export {
  const at = name.indexOf('@');
  const deviceName = at < 0 ? name : name.slice(0, at);
  const tag = at < 0 ? '' : name.slice(at + 1);
  if (!isDeviceName(deviceName) || (at >= 0 || use ? !isTag(tag) : false)) {
    throw new SluiceError('NOT_FOUND', `export name must be DEVICE@TAG, as disk0@acme/db, got ${show(name)}`);
  }
  const device = devices.get(deviceName);
  if (device === undefined) throw new SluiceError('NOT_FOUND', `there is no device ${deviceName}`);
  if (device.leased === true) {
    throw new SluiceError('UNSUPPORTED', `device ${deviceName} is a lease device: its clients do the I/O themselves`);
  }
  const refusal = device.refusal(tag);
  // A tag that was not named cannot be unknown.
  if (refusal !== null && !(tag === '' && refusal.code === 'NOT_FOUND')) {
    throw new SluiceError(refusal.code, refusal.message);
  }
  return { name, device, tag, sizeBytes: device.sizeBytes, blockBytes: device.blockBytes };
}

/**
 * Each device with the tags that policies name for it; the device alone where there are none. Any
 * other tag will do as well, unless the device rejects unknown tags.
 */
export async function listExports(devices: ServedDevices, policies: PolicyLister): Promise<string[]> {
  const names: string[] = [];
  const everywhere = await tagsOf(policies, ANY_DEVICE);
  for (const { name, leased } of devices.list()) {
    if (leased === true) continue;
    const tags = [...new Set([...everywhere, ...(await tagsOf(policies, name))])].sort();
    names.push(...(tags.length === 0 ? [name] : tags.map((tag) => `${name}@${tag}`)));
    if (names.length >= LIST_MAX) break;
  }
  return names.slice(0, LIST_MAX);
}

async function tagsOf(policies: PolicyLister, device: string): Promise<string[]> {
  const page = await policies.list({ device, prefix: '', pageSize: LIST_MAX, pageToken: '' });
  return page.policies.map((policy) => policy.tag);
}

export function transmissionFlags(device: ServedDevice, structured: boolean): number {
  const F = TRANSMISSION_FLAGS;
  // A flush on one connection covers them all: it is the device that is flushed.
  const always = F.HAS_FLAGS | F.SEND_FLUSH | F.CAN_MULTI_CONN | F.SEND_CACHE;
  const writing = device.readOnly ? F.READ_ONLY : F.SEND_FUA | F.SEND_TRIM | F.SEND_WRITE_ZEROES;
  return always | writing | (structured ? F.SEND_DF : 0);
}

export function blockSizes(device: ServedDevice): { minimum: number; preferred: number; maximum: number } {
  return {
    minimum: device.blockBytes,
    preferred: Math.max(PREFERRED_BLOCK_BYTES, device.blockBytes),
    maximum: PAYLOAD_BYTES_MAX,
  };
}
