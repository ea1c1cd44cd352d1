/** Names for the factors between units, so that no bare power of ten stands in the code. */
export const NS_PER_US = 1_000;
export const NS_PER_MS = 1_000_000;
export const NS_PER_S = 1_000_000_000;
export const MS_PER_S = 1_000;
export const KIB = 1_024;
export const MIB = 1_048_576;
export const GIB = 1_073_741_824;
