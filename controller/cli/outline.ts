/** Generated: do not edit, run `node --import tsx scripts/cli-outline.ts`. */
/** A verb in the help of `ota`. */
export interface Outlined {
  readonly name: string;
  readonly summary: string;
  /** In the form of the usage line: `<build> [file]`. */
  readonly args: string;
}

// biome-ignore format: one line a verb
export const OUTLINE: readonly Outlined[] = [
  { name: 'init', args: '[dir]', summary: 'make a releases repository' },
  { name: 'validate', args: '[dir]', summary: 'check the desired state; each problem with file, line and column' },
  { name: 'plan', args: '', summary: 'show what merging a change would do to the fleet' },
  { name: 'diff', args: '', summary: 'show how the files here differ from what is in force' },
  { name: 'rehearse', args: '', summary: 'test the way back of a change before it is merged' },
  { name: 'promote', args: '<build>', summary: 'make a build current, at a percentage or on a ramp' },
  { name: 'rollout', args: '<percent>', summary: 'change the percentage of the current rollout' },
  { name: 'rollback', args: '', summary: 'stop the rollout and serve the last safe build to all' },
  { name: 'ramp', args: '', summary: 'change the steps, the start or the gate of the current ramp' },
  { name: 'canary', args: '', summary: 'add or remove devices that get current first' },
  { name: 'suspend', args: '', summary: 'stop all offers until a given time' },
  { name: 'unsuspend', args: '', summary: 'resume offers' },
  { name: 'withdraw', args: '<build>', summary: 'withdraw a build for good' },
  { name: 'policy', args: '', summary: 'show or change the guardrails that merges must respect' },
  { name: 'brake', args: '', summary: 'stop offering the current build at once, without Git' },
  { name: 'resume', args: '', summary: 'lift what stops the current build, or answer a gate that asks for a person' },
  { name: 'status', args: '', summary: 'show the rollout and its adoption; -w waits for it' },
  { name: 'history', args: '', summary: 'show the applied revisions, their authors and their results' },
  { name: 'failures', args: '[build]', summary: 'count the devices on which a build failed, by cause' },
  { name: 'explain', args: '<device>', summary: 'explain the decision for one device' },
  { name: 'build', args: '', summary: 'declare an APK as a build, or verify one' },
  { name: 'artifact', args: '', summary: 'list, delete and copy stored APKs' },
  { name: 'device', args: '', summary: 'enrol, import, list, tag, rotate, revoke and delete devices' },
  { name: 'token', args: '', summary: "create, list and revoke operators' tokens" },
  { name: 'simulate', args: '', summary: 'count what a rollout means for a list of devices, before and after a change' },
  { name: 'reconcile', args: '', summary: 'make the controller read its source now' },
  { name: 'schema', args: '[name]', summary: 'print the JSON Schema of a release file' },
  { name: 'notify', args: '', summary: 'test the destinations of notifications' },
  { name: 'clock', args: '', summary: 'confirm the clock of a controller that holds its rollouts' },
  { name: 'context', args: '', summary: 'name several controllers, and choose one' },
  { name: 'version', args: '', summary: 'print the versions of this command and of the controller' },
  { name: 'completion', args: '<shell>', summary: 'print the completion script for bash, zsh or fish' },
  { name: 'doctor', args: '', summary: 'check the controller and what it needs, and say how to fix problems' },
  { name: 'backup', args: '<path>', summary: 'copy the database, or with --full everything, online' },
  { name: 'restore', args: '<file>', summary: 'make a data folder from a full backup, or verify one' },
  { name: 'adopt', args: '', summary: 'let a controller with changed keys, source or URL use its database' },
  { name: 'store', args: '', summary: 'move the database between a data folder and PostgreSQL' },
];
