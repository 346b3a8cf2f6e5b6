/** The HTTP client. It is a separate module so that the bundle, too, loads it only when a verb calls the controller. */
export { request } from 'undici';
