/**
 * The interfaces of the core to the outside: each adapter implements one, `main.ts` wires them, tests may replace them.
 * Every promise may reject with a Fault; nothing else is thrown on purpose.
 */
export * from './admins.ts';
export * from './adoption.ts';
export * from './advice.ts';
export * from './approvals.ts';
export * from './artifacts.ts';
export * from './audit.ts';
export * from './brake.ts';
export * from './changes.ts';
export * from './clock.ts';
export * from './database.ts';
export * from './desired.ts';
export * from './devices.ts';
export * from './failures.ts';
export * from './feed.ts';
export * from './fleet.ts';
export * from './former-halts.ts';
export * from './halts.ts';
export * from './health.ts';
export * from './history.ts';
export * from './identity.ts';
export * from './installation.ts';
export * from './key-values.ts';
export * from './notifier.ts';
export * from './outbox.ts';
export * from './outcomes.ts';
export * from './pages.ts';
export * from './past.ts';
export * from './picture.ts';
export * from './progress.ts';
export * from './proposals.ts';
export * from './pusher.ts';
export * from './ramp.ts';
export * from './reconciler.ts';
export * from './replicas.ts';
export * from './requests.ts';
export * from './revisions.ts';
export * from './sessions.ts';
export * from './source.ts';
export * from './webhook.ts';
