/** Etags of shared records: the revision of the last change, in base 36. */

export function etagOf(revision: number): string {
  return revision.toString(36);
}

/** What the scripts are asked to hold a record to; an etag that none can have holds for none. */
export function demandOf(ifMatch: string): string {
  if (ifMatch === '' || ifMatch === '*') return ifMatch;
  const revision = parseInt(ifMatch, 36);
  return Number.isSafeInteger(revision) && etagOf(revision) === ifMatch ? String(revision) : 'none';
}
