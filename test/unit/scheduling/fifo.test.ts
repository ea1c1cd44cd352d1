import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fifo } from '../../../src/core/scheduling/fifo.js';
import { Stand } from './stand.js';

function sequences(stand: Stand): number[] {
  return stand.granted.map((ticket) => ticket.sequence);
}

describe('fifo', () => {
  test('goes by arrival over all tags, whatever was cancelled', () => {
    const arrival = fc.record({ tag: fc.constantFrom('a', 'b', 'c/d'), cancelled: fc.boolean() });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 100 }), fc.nat({ max: 40 }), (arrivals, early) => {
        const stand = new Stand(fifo);
        const tickets = arrivals.map(({ tag }) => stand.arrive(tag));
        stand.serve(early);
        const left = tickets.filter((ticket, i) => {
          if (stand.granted.includes(ticket)) return true;
          if (arrivals[i]!.cancelled) stand.cancel(ticket);
          return !arrivals[i]!.cancelled;
        });
        stand.serve(arrivals.length);
        expect(sequences(stand)).toEqual(left.map((ticket) => ticket.sequence));
      }),
    );
  });

  test('puts the rest of a request in pieces behind what came meanwhile, and grants each piece once', () => {
    const stand = new Stand(fifo);
    const long = stand.arrive('a');
    stand.arrive('b');
    stand.arrive('b');
    const tags: string[] = [];
    for (let piece = 0; piece < 3; piece++) {
      const ticket = stand.grant()!;
      tags.push(ticket.tag);
      if (ticket === long) stand.join(long, true);
    }
    for (let ticket = stand.grant(); ticket !== null; ticket = stand.grant()) tags.push(ticket.tag);
    expect(tags).toEqual(['a', 'b', 'b', 'a']);
  });

  test('keeps count where a request in pieces and later ones of its tag change places, and one is cancelled', () => {
    for (const cancelled of [0, 1, 2, 3]) {
      const stand = new Stand(fifo);
      const tickets = stand.arriveMany('a', 3);
      const other = stand.arrive('b');
      const long = stand.grant()!;
      expect(long).toBe(tickets[0]);
      stand.join(long, true);
      // The token of a's second request now serves the next piece of its first.
      expect(stand.grant()).toBe(long);
      stand.join(long, true);
      const victim = [...tickets, other][cancelled]!;
      stand.cancel(victim);
      const rest: number[] = [];
      for (let ticket = stand.grant(); ticket !== null; ticket = stand.grant()) rest.push(ticket.sequence);
      expect([...rest].sort()).toEqual([0, 1, 2, 3].filter((sequence) => sequence !== victim.sequence));
    }
  });

  test('holds many more requests in a row than wait at a time', () => {
    const stand = new Stand(fifo);
    for (let i = 0; i < 5_000; i++) {
      const kept = stand.arrive(`tag${i % 7}`);
      stand.cancel(stand.arrive('flighty'));
      expect(stand.serve(1)).toEqual([kept.tag]);
    }
    stand.arriveMany('a', 1_000);
    expect(stand.serve(2_000)).toHaveLength(1_000);
  });
});
