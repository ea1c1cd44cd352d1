/** Memory that small reads bring is used again, and never while a device may still write into it. */
import { expect, test } from 'vitest';
import { ReadPlaces } from '../../../src/doors/nbd/read-places.js';
import { COPIED_BYTES_MAX } from '../../../src/doors/nbd/reply-writer.js';
import { FakeRig, until } from './rig.js';
import { RawNbd } from './raw-client.js';

test('the place of a read that was served serves the next; that of one that timed out never again', async () => {
  await using rig = await FakeRig.start();
  rig.device.mode = 'hold';
  using client = await RawNbd.open(rig.port, 'disk0@a');
  const reads = async (count: number): Promise<(Uint8Array | null)[]> => {
    const from = rig.device.submitted.length;
    for (let i = 0; i < count; i++) client.read(0, 4_096).catch(() => undefined);
    await until(() => rig.device.submitted.length === from + count);
    return rig.device.submitted.slice(from).map(({ data }) => data);
  };
  const places = await reads(2);
  const [hung, served] = rig.device.submitted;
  hung!.abandoned = true;
  rig.device.finish(hung!, 'DEVICE_IO', 'timed out at the device');
  rig.device.finish(served!);
  const next = await reads(8);
  expect(places.every((place) => place?.length === 4_096)).toBe(true);
  expect(next).toContain(places[1]);
  expect(next).not.toContain(places[0]);
  expect(new Set(next).size).toBe(next.length);
});

test('there are places of powers of two up to what is copied', () => {
  const places = new ReadPlaces();
  expect([512, 4_096, COPIED_BYTES_MAX].map((bytes) => places.take(bytes)?.length)).toEqual([
    512,
    4_096,
    COPIED_BYTES_MAX,
  ]);
  expect([256, 4_608, 2 * COPIED_BYTES_MAX].map((bytes) => places.take(bytes))).toEqual([null, null, null]);
});
