/** What a restore changes in the numbering of tokens (SPEC §6). */

/** Added to generations issued after a restore: tokens are made from the number alone. */
export const GENERATION_STEP = 1_000;
/** Key-value: until when devices may bring newer generations, Unix ms. */
export const ADOPT_KEY = 'restore.adopt-until';
/** Key-value: added to the first generation of a device that is new. */
export const BASE_KEY = 'generations.base';
