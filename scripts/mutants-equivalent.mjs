/** Mutants of the twin that change nothing, each with the argument; scripts/mutants.mjs counts none of them. */

/** Of a mutant: its file, the start of what it is called, a part of the line that it is on, and why nothing changes. */
const EQUIVALENT = [];

/** @returns why the mutant changes nothing; '' where that is not shown */
export function reasonWhyEquivalent({ file, what, shown }) {
  const known = EQUIVALENT.find(
    (each) => each.file === file && what.startsWith(each.what) && shown.includes(each.line),
  );
  return known?.why ?? '';
}
