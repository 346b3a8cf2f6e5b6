/** Where the controller keeps one device. */

/** `/v1/devices/<id>`; `.` and `..` would be taken for folders by every HTTP client. */
export const devicePath = (id: string, rest = ''): string =>
  `/v1/devices/${id === '.' || id === '..' ? id.replaceAll('.', '%252E') : encodeURIComponent(id)}${rest}`;
