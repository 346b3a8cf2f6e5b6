/** What the count of approvals needs to know of a pull request. */
import type { Revision } from '../domain/ids.ts';
import type { ProposedPull } from './proposers.ts';

/** A pull request whose approvals are counted. */
export interface ApprovablePull extends ProposedPull {
  readonly head: Revision;
  readonly author: string | undefined;
}

/** `pull`: as GitHub's API returns it. */
export const approvableOf = (pull: {
  readonly number: number;
  readonly head: { readonly sha: string; readonly ref: string };
  readonly user: { readonly login: string } | null;
}): ApprovablePull => ({
  number: pull.number,
  branch: pull.head.ref,
  head: pull.head.sha,
  author: pull.user?.login,
});
