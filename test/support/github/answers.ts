/** Operation by operation: published examples overlaid with the stand-in's state. */
import { example, type Json } from './openapi.ts';
import type { Comment, Deployment, HubState, Permission, Pull, Review, Status } from './state.ts';

export interface Call {
  readonly login: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, Json>>;
}
export interface Answer {
  readonly status: number;
  readonly body?: Json;
  /** The whole list, when `body` is one page of it. */
  readonly total?: number;
}

type Fields = Record<string, Json>;
const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
const user = (login: string): Fields => ({
  ...(example('issue-comment').user as Fields),
  login,
  type: login.endsWith('[bot]') ? 'Bot' : 'User',
});
const ok = (body: Json): Answer => ({ status: 200, body });
const created = (body: Json): Answer => ({ status: 201, body });
export const problem = (status: number, message: string): Answer => ({
  status,
  body:
    status === 422
      ? {
          message,
          documentation_url: 'https://docs.github.com/rest',
          errors: [{ resource: 'Request', field: 'body', code: 'custom', message }],
        }
      : { message, documentation_url: 'https://docs.github.com/rest', status: String(status) },
});

function page(items: readonly Json[], query: URLSearchParams): Answer {
  const size = Number(query.get('per_page') ?? 30);
  const from = (Number(query.get('page') ?? 1) - 1) * size;
  return { status: 200, body: items.slice(from, from + size), total: items.length };
}

const showComment = (c: Comment): Fields => ({
  ...example('issue-comment'),
  id: c.id,
  body: c.body,
  user: user(c.author),
  created_at: iso(c.createdAtMs),
  updated_at: iso(c.updatedAtMs),
});
const showStatus = (s: Status): Fields => ({
  ...example('status'),
  id: s.id,
  state: s.state,
  description: s.description,
  target_url: s.targetUrl,
  context: s.context,
  creator: user(s.author),
  created_at: iso(s.atMs),
  updated_at: iso(s.atMs),
});
const showDeployment = (d: Deployment): Fields => ({
  ...example('deployment-simple-example'),
  id: d.id,
  sha: d.sha,
  ref: d.sha,
  environment: d.environment,
  description: d.description,
  payload: (d.payload ?? {}) as Json,
  creator: user(d.author),
});
const showReview = (r: Review): Fields => ({
  ...example('pull-request-review-items'),
  id: r.id,
  user: user(r.author),
  state: r.state,
  commit_id: r.commit,
  submitted_at: iso(r.atMs),
  author_association: r.association,
});

function showPull(hub: HubState, pull: Pull, whole: boolean): Fields {
  const shape = example(whole ? 'pull-request' : 'pull-request-simple-items');
  return {
    ...shape,
    number: pull.number,
    title: pull.title,
    body: pull.body,
    state: pull.state,
    user: user(pull.author),
    requested_teams: [],
    html_url: `https://github.com/${hub.owner}/${hub.repo}/pull/${pull.number}`,
    merge_commit_sha: pull.mergeCommit ?? null,
    merged_at: pull.mergedAtMs === undefined ? null : iso(pull.mergedAtMs),
    head: { ...(shape.head as Fields), ref: pull.headRef, sha: hub.head(pull) },
    base: { ...(shape.base as Fields), ref: pull.baseRef, sha: pull.baseSha },
    ...(whole
      ? {
          merged: pull.mergeCommit !== undefined,
          merged_by: pull.mergedBy === undefined ? null : user(pull.mergedBy),
        }
      : {}),
  };
}

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '');

function showCommit(hub: HubState, sha: string): Fields {
  const shape = (example('commit-comparison').commits as Fields[])[0] ?? {};
  const [tree = '', parents = '', date = '', ...subject] = hub.git
    .git('show', '-s', '--format=%T%n%P%n%cI%n%s', sha)
    .split('\n');
  return {
    ...shape,
    sha,
    commit: {
      ...(shape.commit as Fields),
      message: subject.join('\n'),
      tree: { url: 'https://api.github.com/t', sha: tree },
      committer: { name: 'GitHub', email: 'noreply@github.com', date },
    },
    parents: parents
      .split(' ')
      .filter(p => p !== '')
      .map(parent => ({ url: 'https://api.github.com/c', sha: parent })),
  };
}

const branchIn = (ref: string): string => ref.replace(/^refs\/heads\//, '');
const showRef = (ref: string, sha: string): Fields => ({
  ref,
  node_id: 'R',
  url: 'https://api.github.com/r',
  object: { type: 'commit', sha, url: 'https://api.github.com/o' },
});

const known = (hub: HubState, sha: string, kind: 'commit' | 'tree' = 'commit'): boolean => {
  try {
    hub.git.git('cat-file', '-e', `${sha}^{${kind}}`);
    return true;
  } catch {
    return false; // cat-file -e: no such object of this kind
  }
};

/** By creation, newest first, unless asked otherwise, as GitHub sorts. */
function sorted(pulls: readonly Pull[], query: URLSearchParams): Pull[] {
  const by = (p: Pull): number => (query.get('sort') === 'updated' ? p.updatedAtMs : p.number);
  const sign = (query.get('direction') ?? 'desc') === 'asc' ? 1 : -1;
  return [...pulls].sort((a, b) => sign * (by(a) - by(b)));
}

const ROLES: Readonly<Record<Permission, string>> = {
  admin: 'admin',
  maintain: 'write',
  write: 'write',
  triage: 'read',
  read: 'read',
  none: 'none',
};

/** Every operation the product uses; anything else is answered 404 and counted as a violation. */
export const OPERATIONS: Readonly<Record<string, (hub: HubState, call: Call) => Answer>> = {
  'users/get-authenticated': (_hub, { login }) =>
    ok({ ...example('private-user-response-with-public-and-private-profile-information'), login }),
  'apps/get-authenticated': (_hub, { login }) =>
    ok({ ...example('integration'), slug: login.replace('[bot]', '') }),
  'repos/get': hub => {
    // The published example lacks a field that the published schema requires.
    const { source: _, ...shape } = example('full-repository-default-response');
    return ok({
      ...shape,
      language: null,
      name: hub.repo,
      full_name: `${hub.owner}/${hub.repo}`,
      default_branch: hub.branch,
      permissions: { ...(shape.permissions as Fields), push: hub.mayPush },
    });
  },
  'pulls/list': (hub, { query }) => {
    const state = query.get('state') ?? 'open';
    const base = query.get('base');
    const head = query.get('head');
    const found = hub.pulls.filter(
      p =>
        (state === 'all' || p.state === state) &&
        (base === null || p.baseRef === base) &&
        (head === null || `${hub.owner}:${p.headRef}` === head),
    );
    return page(
      sorted(found, query).map(p => showPull(hub, p, false)),
      query,
    );
  },
  'pulls/get': (hub, { params }) => {
    const pull = hub.pulls.find(p => p.number === Number(params.pull_number));
    return pull === undefined ? problem(404, 'Not Found') : ok(showPull(hub, pull, true));
  },
  'pulls/create': (hub, { body, login }) => {
    const headRef = String(body.head);
    if (hub.git.tip(headRef) === undefined) return problem(422, 'Validation Failed: head');
    if (hub.pulls.some(p => p.headRef === headRef && p.state === 'open'))
      return problem(422, `A pull request already exists for ${hub.owner}:${headRef}.`);
    return created(
      showPull(hub, hub.open(headRef, String(body.title), login, String(body.body ?? '')), true),
    );
  },
  'pulls/update': (hub, { params, body }) => {
    const pull = hub.pulls.find(p => p.number === Number(params.pull_number));
    if (pull === undefined) return problem(404, 'Not Found');
    if (body.state === 'closed' && pull.state === 'open') hub.close(pull);
    return ok(showPull(hub, pull, true));
  },
  'repos/get-collaborator-permission-level': (hub, { params }) => {
    const login = params.username ?? '';
    const role = hub.permissions.has(login) ? hub.permissions.get(login) : 'write';
    if (role === undefined) return problem(403, 'Resource not accessible by integration');
    return ok({
      ...example('repository-collaborator-permission-response-if-user-has-admin-permissions'),
      permission: ROLES[role],
      role_name: role,
      user: { ...user(login), role_name: role },
    });
  },
  'git/list-matching-refs': (hub, { params }) => {
    const prefix = `refs/${params.ref ?? ''}`;
    const listed = lines(hub.git.git('for-each-ref', '--format=%(refname) %(objectname)'));
    const refs = listed.map(line => line.split(' ')).filter(([name = '']) => name.startsWith(prefix));
    return ok(refs.map(([ref = '', sha = '']) => showRef(ref, sha)));
  },
  'pulls/list-reviews': (hub, { params, query }) =>
    page(hub.reviews.filter(r => r.pull === Number(params.pull_number)).map(showReview), query),
  'issues/list-comments': (hub, { params, query }) =>
    page(hub.commentsOn(Number(params.issue_number)).map(showComment), query),
  'issues/create-comment': (hub, { params, body, login }) => {
    const pull = Number(params.issue_number);
    if (!hub.pulls.some(p => p.number === pull)) return problem(404, 'Not Found');
    if (String(body.body).length > 65_536)
      return problem(422, 'Body is too long (maximum is 65536 characters)');
    const comment = {
      id: hub.nextId(),
      pull,
      author: login,
      body: String(body.body),
      createdAtMs: hub.nowMs(),
      updatedAtMs: hub.nowMs(),
    };
    hub.comments.push(comment);
    return created(showComment(comment));
  },
  'issues/update-comment': (hub, { params, body }) => {
    const comment = hub.comments.find(c => c.id === Number(params.comment_id));
    if (comment === undefined) return problem(404, 'Not Found');
    if (String(body.body).length > 65_536)
      return problem(422, 'Body is too long (maximum is 65536 characters)');
    comment.body = String(body.body);
    comment.updatedAtMs = hub.nowMs();
    return ok(showComment(comment));
  },
  'issues/delete-comment': (hub, { params }) => {
    const index = hub.comments.findIndex(c => c.id === Number(params.comment_id));
    if (index < 0) return problem(404, 'Not Found');
    hub.comments.splice(index, 1);
    return { status: 204 };
  },
  'repos/create-commit-status': (hub, { params, body, login }) => {
    const sha = params.sha ?? '';
    const context = String(body.context ?? 'default');
    const description = String(body.description ?? '');
    if (!known(hub, sha)) return problem(422, `No commit found for SHA: ${sha}`);
    if (description.length > 140) return problem(422, 'description is too long (maximum is 140 characters)');
    if (hub.statusesOf(sha, context).length >= 1000)
      return problem(422, 'This SHA and context has reached the maximum number of statuses.');
    const status = {
      id: hub.nextId(),
      sha,
      context,
      state: String(body.state),
      description,
      targetUrl: body.target_url === undefined || body.target_url === null ? null : String(body.target_url),
      author: login,
      atMs: hub.nowMs(),
    };
    hub.statuses.push(status);
    return created(showStatus(status));
  },
  'repos/list-commit-statuses-for-ref': (hub, { params, query }) =>
    page(hub.statusesOf(params.ref ?? '').map(showStatus), query),
  'repos/list-pull-requests-associated-with-commit': (hub, { params, query }) => {
    const sha = params.commit_sha ?? '';
    if (!known(hub, sha)) return problem(422, `No commit found for SHA: ${sha}`);
    const found = hub.pulls.filter(p => p.mergeCommit === sha || hub.head(p) === sha);
    return page(
      found.map(p => showPull(hub, p, false)),
      query,
    );
  },
  'repos/compare-commits-with-basehead': (hub, { params, query }) => {
    const [base = '', head = ''] = (params.basehead ?? '').split('...');
    if (!known(hub, base) || !known(hub, head)) return problem(404, 'Not Found');
    const shas = lines(hub.git.git('rev-list', '--reverse', `${base}..${head}`));
    const commits = page(
      shas.map(sha => showCommit(hub, sha)),
      query,
    );
    return {
      ...commits,
      body: { ...example('commit-comparison'), total_commits: shas.length, commits: commits.body ?? [] },
    };
  },
  'git/get-commit': (hub, { params }) => {
    const sha = params.commit_sha ?? '';
    if (!known(hub, sha)) return problem(404, 'Not Found');
    const parents = hub.git
      .git('show', '-s', '--format=%P', sha)
      .split(' ')
      .filter(p => p !== '');
    const link = (parent: string): Fields => ({
      sha: parent,
      url: 'https://api.github.com/c',
      html_url: 'https://github.com/c',
    });
    const shape = example('git-commit-2');
    const tree = { ...(shape.tree as Fields), sha: hub.git.git('rev-parse', `${sha}^{tree}`) };
    return ok({ ...shape, sha, tree, parents: parents.map(link) });
  },
  'git/get-ref': (hub, { params }) => {
    const sha = hub.git.tip(branchIn(`refs/${params.ref ?? ''}`));
    return sha === undefined ? problem(404, 'Not Found') : ok(showRef(`refs/${params.ref ?? ''}`, sha));
  },
  'git/create-ref': (hub, { body }) => {
    const name = String(body.ref);
    if (hub.git.tip(branchIn(name)) !== undefined) return problem(422, 'Reference already exists');
    if (!known(hub, String(body.sha))) return problem(422, 'Object does not exist');
    hub.git.ref(name, String(body.sha));
    return created(showRef(name, String(body.sha)));
  },
  'git/update-ref': (hub, { params, body }) => {
    const name = `refs/${params.ref ?? ''}`;
    if (hub.git.tip(branchIn(name)) === undefined) return problem(422, 'Reference does not exist');
    if (!known(hub, String(body.sha))) return problem(422, 'Object does not exist');
    hub.git.ref(name, String(body.sha));
    hub.syncPullRefs();
    return ok(showRef(name, String(body.sha)));
  },
  'git/create-tree': (hub, { body }) => {
    const entries = body.tree as { path: string; content: string }[];
    const files = Object.fromEntries(entries.map(e => [e.path, e.content]));
    return created({ ...example('git-tree'), sha: hub.git.tree(String(body.base_tree), files) });
  },
  'git/create-commit': (hub, { body }) => {
    const exist = [
      [body.tree, 'tree'] as const,
      ...(body.parents as string[]).map(p => [p, 'commit'] as const),
    ];
    if (!exist.every(([object, kind]) => known(hub, String(object), kind)))
      return problem(422, 'Object does not exist');
    const sha = hub.git.commitTree(String(body.tree), body.parents as string[], String(body.message));
    return created({ ...example('git-commit'), sha, message: body.message ?? '' });
  },
  'git/get-tree': (hub, { params }) => {
    const entries = lines(hub.git.git('ls-tree', params.tree_sha ?? '')).map(line => {
      const [, mode = '', type = '', sha = '', path = ''] = /^(\d+) (\w+) (\w+)\t(.+)$/.exec(line) ?? [];
      return { path, mode, type, sha, url: 'https://api.github.com/t' };
    });
    return ok({
      sha: params.tree_sha ?? '',
      url: 'https://api.github.com/t',
      truncated: false,
      tree: entries,
    });
  },
  'repos/list-deployments': (hub, { query }) => {
    const found = hub.deployments.filter(
      d =>
        (query.get('sha') ?? d.sha) === d.sha &&
        (query.get('environment') ?? d.environment) === d.environment,
    );
    return page(found.map(showDeployment).reverse(), query);
  },
  'repos/create-deployment': (hub, { body, login }) => {
    if (body.auto_merge !== false || JSON.stringify(body.required_contexts) !== '[]')
      return { status: 409, body: { message: 'Conflict: commit status checks failed' } };
    const deployment = {
      id: hub.nextId(),
      sha: String(body.ref),
      environment: String(body.environment ?? 'production'),
      description: String(body.description ?? ''),
      payload: body.payload,
      author: login,
      statuses: [],
    };
    hub.deployments.push(deployment);
    return created(showDeployment(deployment));
  },
  'repos/create-deployment-status': (hub, { params, body }) => {
    const deployment = hub.deployments.find(d => d.id === Number(params.deployment_id));
    if (deployment === undefined) return problem(422, 'No deployment found');
    const description = String(body.description ?? '');
    if (description.length > 140) return problem(422, 'description is too long (maximum is 140 characters)');
    const status = { id: hub.nextId(), state: String(body.state), description, atMs: hub.nowMs() };
    deployment.statuses.push(status);
    return created({ ...example('deployment-status'), id: status.id, state: status.state, description });
  },
  'repos/list-deployment-statuses': (hub, { params, query }) => {
    const deployment = hub.deployments.find(d => d.id === Number(params.deployment_id));
    if (deployment === undefined) return problem(404, 'Not Found');
    const shown = deployment.statuses.map(s => ({
      ...example('deployment-status'),
      id: s.id,
      state: s.state,
      description: s.description,
    }));
    return page(shown.reverse(), query);
  },
};
