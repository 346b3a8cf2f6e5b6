/** The path of one device at the controller. */

/** `/v1/devices/<id>`. HTTP clients would treat the ids `.` and `..` as folders. */
export const devicePath = (id: string, rest = ''): string =>
  `/v1/devices/${id === '.' || id === '..' ? id.replaceAll('.', '%252E') : encodeURIComponent(id)}${rest}`;
