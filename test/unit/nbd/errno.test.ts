/** Every code has its error of NBD, and the document tells which. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CODES } from '../../../src/core/model/errors.js';
import { TO_NBD, toOptionReply } from '../../../src/doors/nbd/errno.js';
import { NBD_ERRNO, OPTION_REPLIES } from '../../../src/wire/nbd/protocol.js';
import { ROOT } from '../../support/service.js';

test('docs/nbd.md has the table of errors as it is', () => {
  const rows = readFileSync(join(ROOT, 'docs/nbd.md'), 'utf8').matchAll(/^\| (.+?) +\| `(E[A-Z]+)` +\|$/gm);
  const told = new Map<string, number>();
  for (const [, codes, errno] of rows) {
    for (const code of codes!.replace(/\(.*?\)/g, '').split(',')) {
      told.set(code.trim(), NBD_ERRNO[errno as keyof typeof NBD_ERRNO]);
    }
  }
  expect(Object.fromEntries(told)).toEqual(TO_NBD);
  expect([...told.keys()].sort()).toEqual(
    Object.keys(CODES)
      .filter((code) => code !== 'OK')
      .sort(),
  );
});

test.each([
  ['DRAINING', OPTION_REPLIES.ERR_SHUTDOWN],
  ['NOT_FOUND', OPTION_REPLIES.ERR_UNKNOWN],
  ['DEVICE_IO', OPTION_REPLIES.ERR_UNKNOWN],
  ['PERMISSION_DENIED', OPTION_REPLIES.ERR_POLICY],
] as const)('an export refused %s', (code, type) => {
  expect(toOptionReply(code)).toBe(type);
});
