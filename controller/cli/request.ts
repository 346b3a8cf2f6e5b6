/** The HTTP client, a module of its own so that it is loaded when a verb asks the controller, also in the bundle. */
export { request } from 'undici';
