/** What can be broken on purpose, to see that the checks notice. */

/** `shares`: policies are lost, so that every application has the default. */
export const FAULTS = ['none', 'shares'] as const;
export type Fault = (typeof FAULTS)[number];
