import { describe, expect, it } from 'vitest';
import { Feed } from '../../../src/dashboard/data/feed.js';

/** Questions that the test answers. */
class Asked {
  readonly asked: {
    before: string | null;
    nowMs: number;
    answer: (value: string) => Promise<void>;
    fail: () => Promise<void>;
  }[] = [];

  readonly load = (before: string | null, nowMs: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const settled = (): Promise<void> => new Promise((done) => setImmediate(done));
      this.asked.push({
        before,
        nowMs,
        answer: (value) => (resolve(value), settled()),
        fail: () => (reject(new Error('away')), settled()),
      });
    });
}

describe('feed', () => {
  it('loads once, then again at its pace with the answer before', async () => {
    const feed = new Feed<string>(() => undefined);
    const { asked, load } = new Asked();
    expect(feed.state).toBe('idle');
    feed.ask('k', 10_000, load, 0);
    feed.ask('k', 10_000, load, 1_000);
    expect(feed.state).toBe('loading');
    feed.tick(20_000);
    expect(asked).toHaveLength(1);
    await asked[0]!.answer('one');
    expect(feed).toMatchObject({ state: 'shown', value: 'one', error: null });
    feed.tick(9_000);
    expect(asked).toHaveLength(1);
    feed.tick(10_000);
    expect(asked[1]).toMatchObject({ before: 'one', nowMs: 10_000 });
    await asked[1]!.answer('two');
    // The clock of this machine was ahead of the service's.
    feed.tick(-50_000);
    expect(asked[2]).toMatchObject({ before: 'two', nowMs: -50_000 });
  });

  it('lets go of the answer to another question, also of one that comes late', async () => {
    let changes = 0;
    const feed = new Feed<string>(() => (changes += 1));
    const first = new Asked();
    const second = new Asked();
    feed.ask('first', 10_000, first.load, 0);
    feed.ask('second', 10_000, second.load, 0);
    await first.asked[0]!.answer('late');
    expect(feed).toMatchObject({ state: 'loading', value: null });
    await second.asked[0]!.answer('in time');
    expect(feed).toMatchObject({ state: 'shown', value: 'in time' });
    expect(changes).toBe(3);
    feed.stop();
    feed.tick(60_000);
    expect(feed).toMatchObject({ state: 'idle', value: null });
    expect(second.asked).toHaveLength(1);
  });

  it('keeps its answer when one fails, says why, and asks again soon', async () => {
    const feed = new Feed<string>(() => undefined);
    const { asked, load } = new Asked();
    feed.ask('k', 60_000, load, 0);
    await asked[0]!.answer('one');
    feed.tick(60_000);
    await asked[1]!.fail();
    expect(feed).toMatchObject({ state: 'failed', value: 'one', error: new Error('away') });
    feed.tick(64_000);
    expect(asked).toHaveLength(2);
    feed.tick(65_000);
    await asked[2]!.answer('two');
    expect(feed).toMatchObject({ state: 'shown', value: 'two', error: null });
  });
});
