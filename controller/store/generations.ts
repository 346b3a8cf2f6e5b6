/** What a restore leaves for the numbering of tokens (SPEC §6). */

/** Generations issued after a restore start so much higher: tokens are made from the number alone. */
export const GENERATION_STEP = 1_000;
/** Key-value: until when devices may bring newer generations, Unix ms. */
export const ADOPT_KEY = 'restore.adopt-until';
/** Key-value: added to the first generation of a device that is new. */
export const BASE_KEY = 'generations.base';
