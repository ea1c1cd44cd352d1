import { describe, expect, it } from 'vitest';
import { SharedSync, type SyncDone } from '../../../src/devices/file/shared-sync.js';

describe('SharedSync', () => {
  it('shares one sync among all that wait, but lets nobody join one that has begun', () => {
    const started: SyncDone[] = [];
    const told: string[] = [];
    const sync = new SharedSync((done) => started.push(done));
    sync.request(() => told.push('a'));
    sync.request(() => told.push('b'));
    sync.request(() => told.push('c'));
    expect(started.length).toBe(1);
    started[0]!(null);
    expect(told).toEqual(['a']);
    expect(started.length).toBe(2);
    started[1]!(null);
    expect(told).toEqual(['a', 'b', 'c']);
    expect(started.length).toBe(2);
    sync.request(() => told.push('d'));
    expect(started.length).toBe(3);
  });

  it('tells an error to those that waited for that sync alone', () => {
    const started: SyncDone[] = [];
    const errors: (string | null)[] = [];
    const sync = new SharedSync((done) => started.push(done));
    for (let i = 0; i < 3; i++) sync.request((error) => errors.push(error?.message ?? null));
    started[0]!(new Error('no'));
    started[1]!(null);
    expect(errors).toEqual(['no', null, null]);
  });
});
