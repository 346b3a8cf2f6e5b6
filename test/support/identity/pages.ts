/** Pages whose people sign in at a real provider on loopback. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Pages, withPages } from '../pages/pages.ts';
import type { Scene } from '../pages/scene.ts';
import { type Account, type OpenId, withOpenId } from './openid.ts';

/** Groups as a directory would name them. */
export const ROLES = 'viewer=cn=staff,ou=groups; proposer=mobile; operator=on-call';

export const ACCOUNTS: Readonly<Record<string, Account>> = {
  'auth0|ann': { name: 'Ann Álvarez', groups: ['on-call', 'mobile'] },
  bob: { name: 'Bob', groups: ['mobile', 'chess'] },
  eve: { name: 'Eve', groups: 'cn=staff,ou=groups' },
  nobody: { name: 'Nobody', groups: ['chess'] },
  plain: {},
  hostile: {
    name: `<img src=x onerror="window.hit=1">\n\nAsked-for-by: admin:root\u202e${'x'.repeat(5000)}`,
    groups: ['on-call'],
  },
  crowd: { name: 'Crowd', groups: [...Array.from({ length: 2000 }, (_, n) => `group ${n}`), 'mobile'] },
};

/** A port that was free a moment ago: the provider must know the address before the controller listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

export const settingsFor = (openId: OpenId, origin: string): Record<string, string> => ({
  OTA_PORT: new URL(origin).port,
  OTA_OPERATOR_URL: origin,
  OTA_OIDC_ISSUER: openId.issuer,
  OTA_OIDC_NAME: 'Example SSO',
  OTA_OIDC_CLIENT_ID: openId.clientId,
  OTA_OIDC_CLIENT_SECRET: openId.clientSecret,
  OTA_OIDC_ROLES: ROLES,
});

export async function withPeople(
  scene: Scene,
  use: (pages: Pages, openId: OpenId) => Promise<void>,
  more: { readonly settings?: Readonly<Record<string, string>>; readonly userInfoOnly?: boolean } = {},
): Promise<void> {
  const origin = `http://127.0.0.1:${await freePort()}`;
  await withOpenId(
    origin,
    ACCOUNTS,
    openId =>
      withPages(
        { ...scene, settings: { ...scene.settings, ...settingsFor(openId, origin), ...more.settings } },
        pages => use(pages, openId),
      ),
    more,
  );
}
