/** The environment variables that a Git process inherits: its program path, the user and the network. */

/** `GIT_` variables are left out: inherited ones would redirect repositories, hooks and commands. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'XDG_CONFIG_HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
] as const;

export const gitEnvironment = (
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.flatMap(name => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
