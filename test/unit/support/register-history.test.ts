import { describe, expect, it } from 'vitest';
import { RegisterHistory } from '../../support/register-history.js';

function written(history: RegisterHistory, value: number, calledMs: number, answeredMs: number): void {
  history.write(value, calledMs).answeredMs = answeredMs;
}

describe('a history of one block', () => {
  it('is explained where reads see the last write, overlapping ones in any order', () => {
    const history = new RegisterHistory(0);
    history.read(0, 0, 1);
    written(history, 1, 2, 10);
    written(history, 2, 3, 9);
    history.read(1, 4, 5);
    history.read(2, 6, 7);
    history.read(2, 11, 12);
    expect(history.fault()).toBeNull();
  });

  it('is not where a write is lost', () => {
    const history = new RegisterHistory(0);
    written(history, 1, 2, 3);
    history.read(0, 4, 5);
    expect(history.fault()).toMatch(/held 0 .* and 1 .* took effect within/);
  });

  it('is not where a block is resurrected', () => {
    const history = new RegisterHistory(0);
    written(history, 1, 0, 1);
    written(history, 2, 2, 3);
    history.read(2, 4, 5);
    expect(history.fault()).toBeNull();
    history.read(1, 6, 7);
    expect(history.fault()).toMatch(/held 1 .* and 2 .* took effect within/);
  });

  it('is not where two reads see two values in turn', () => {
    const history = new RegisterHistory(0);
    written(history, 1, 0, 100);
    written(history, 2, 0, 100);
    history.read(1, 10, 11);
    history.read(2, 12, 13);
    history.read(1, 14, 15);
    expect(history.fault()).not.toBeNull();
  });

  it('takes a write of unknown outcome for done, late or never', () => {
    const history = new RegisterHistory(0);
    history.write(1, 0);
    history.read(0, 1, 2);
    written(history, 2, 3, 4);
    history.read(2, 5, 6);
    expect(history.fault()).toBeNull();
    history.read(1, 7, 8);
    expect(history.fault()).toBeNull();
    history.read(2, 9, 10);
    expect(history.fault()).not.toBeNull();
  });

  it('takes a write that came again while it was in doubt for two', () => {
    const history = new RegisterHistory(0);
    const doubtful = history.write(1, 0);
    history.read(1, 2, 3);
    written(history, 2, 4, 5);
    history.read(2, 6, 7);
    doubtful.againMs = 10;
    history.read(1, 11, 12);
    doubtful.answeredMs = 13;
    history.read(1, 14, 15);
    expect(history.fault()).toBeNull();
    written(history, 3, 16, 17);
    history.read(1, 18, 19);
    expect(history.fault()).toMatch(/held 1 .* and 3 .* took effect within/);
  });

  it('is not where a read sees what was refused, what nobody wrote, what is yet to come', () => {
    const history = new RegisterHistory(0);
    history.write(1, 0).refused = true;
    history.read(1, 1, 2);
    expect(history.fault()).toMatch(/not executed/);
    const other = new RegisterHistory(0);
    other.read(9, 1, 2);
    expect(other.fault()).toMatch(/nobody wrote/);
    const third = new RegisterHistory(0);
    third.read(1, 1, 2);
    written(third, 1, 3, 4);
    expect(third.fault()).toMatch(/before it was written/);
  });
});
