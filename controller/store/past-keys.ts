/** From when on the store knows what was: Unix ms under these keys of `key_values`. */

/** Changes of tags are kept since then. */
export const TAGS_SINCE_KEY = 'past.tags_since';
/** Retention has removed audit rows and tag changes from before that moment. */
export const PRUNED_BEFORE_KEY = 'past.pruned_before';
