import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { GIB } from '../../../src/core/model/units.js';
import { SeededRng } from '../../../src/core/rng.js';
import type { Application } from '../../../src/simulator/guests/application.js';
import { Guest } from '../../../src/simulator/guests/guest.js';
import { DiskCounts } from '../../../src/simulator/guests/hypervisor.js';
import { OperationMeter } from '../../../src/simulator/guests/measures.js';
import type { ApplicationMeasure } from '../../../src/simulator/guests/measures.js';
import { PageCache } from '../../../src/simulator/guests/page-cache.js';
import { Thread } from '../../../src/simulator/guests/thread.js';
import type { VirtualDisk } from '../../../src/simulator/guests/virtual-disk.js';
import { programsOf } from '../../../src/simulator/guests/workload.js';

/** At 10 s the write-back finds more than a tenth of memory dirty. */
const SECONDS = 12;
const THREADS = 20;
const PAGE_BYTES = 4_096;

/** @param never whether the guest waits for a thread that there is not, and so never runs ahead of the clock */
function webServer(never: boolean): { measure: ApplicationMeasure; requests: string[]; steps: number } {
  const clock = new VirtualClock();
  const requests: string[] = [];
  const disk: VirtualDisk = {
    submit: ({ tag }, op, offset, lengthBytes, _keep, waiter, token) => {
      requests.push([clock.nowNs(), tag, op, offset, lengthBytes].join(' '));
      clock.after(250_000 + (offset % 1_000), () => waiter.ioDone(token));
    },
  };
  const guest = new Guest(clock, disk, new PageCache(GIB, PAGE_BYTES, 40 * GIB), THREADS + (never ? 1 : 0));
  const application: Application = { tag: 'web', index: 0, meter: new OperationMeter(), disk: new DiskCounts() };
  const programs = programsOf({ kind: 'web-server', threads: THREADS, files: 500 }, new SeededRng(7));
  for (const program of programs) new Thread(guest, application, program, false, SECONDS * 1e9).start();
  let steps = 0;
  while (clock.nextDueNs <= SECONDS * 1e9 && clock.step()) steps++;
  return { measure: application.meter.measure('web', 1, 1, requests.length, SECONDS), requests, steps };
}

describe('a guest', () => {
  it('that runs ahead of the clock in memory does what it would have done turn by turn', () => {
    const ahead = webServer(false);
    const turnByTurn = webServer(true);
    expect(ahead.measure).toEqual(turnByTurn.measure);
    expect(ahead.requests).toEqual(turnByTurn.requests);
    const ops = ahead.requests.map((request) => request.split(' ')[2]);
    expect(new Set(ops)).toEqual(new Set(['1', '2']));
    expect(ahead.steps).toBeLessThan(turnByTurn.steps / 10);
  });
});
