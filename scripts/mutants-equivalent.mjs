/** Mutants of the twin that change nothing, each with the argument; scripts/mutants.mjs counts none of them. */

const SET_BY_TAKE_IN = 'takeIn follows addHost in the same call and sets it before anybody reads it';

/** File; start of the mutant's name; its line; the line above where that alone is not enough; why nothing changes. */
const EQUIVALENT = [
  ['exchange', 'changed: 0', 'leaseEnd: 0,', '', SET_BY_TAKE_IN],
  ['exchange', 'changed: 0', 'exchangeUs: 0,', '', SET_BY_TAKE_IN],
  ['exchange', 'changed: 0', 'advance: 0,', 'held: 0,', SET_BY_TAKE_IN],
  ['exchange', 'changed: 0', 'advanceIdle: 0,', '', SET_BY_TAKE_IN],
  ['exchange', 'changed: 0', 'quotaHeld: 0,', '', SET_BY_TAKE_IN],
  [
    'exchange',
    'changed: 0',
    'unfetchedSince: 0,',
    '',
    'read only while grants wait to be fetched; note sets it with the first',
  ],
  [
    'exchange',
    'changed: 0',
    'calmSince: 0,',
    '',
    'read only under contention; updateContention sets it as that begins',
  ],
  ['exchange', 'changed: 0', 'uids: 0,', '', 'a uid is compared with others for equality alone, and no two are equal'],
  [
    'exchange',
    'changed: 1',
    'c.meta.uids += 1;',
    '',
    'a uid is compared with others for equality alone, and no two are equal',
  ],
  ['parts', 'changed: 0', 'let quota = 0;', '', 'the caller is one of the hosts, so the loop sets it'],
  ['grant', 'changed: 1', 'let chosen = -1;', '', 'any number below 0 stands for none'],
];

/** @returns why the mutant changes nothing; '' where that is not shown */
export function reasonWhyEquivalent({ file, what, shown, above }) {
  const known = EQUIVALENT.find(
    ([ofFile, name, line, before]) =>
      ofFile === file && what === name && shown === line && (before === '' || before === above),
  );
  return known?.[4] ?? '';
}
