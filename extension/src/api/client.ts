import { fields, list, number, text } from './narrow.ts';
import { type Operation, outcome, wanted } from './operations.ts';
import * as shapes from './shapes.ts';
import { upload } from './upload.ts';

/** How long an answer may take, in milliseconds. */
const patience = 15_000;

/** The server refused, and says why (RFC 9457). */
export class Problem extends Error {
	override name = 'Problem';
	constructor(
		readonly status: number,
		readonly code: string,
		readonly detail: string,
		/** After how many seconds it may be asked again, if it said so. */
		readonly retryAfter: number | null,
	) {
		super(detail);
	}
}

/** The server did not answer, or something between here and there answered in its place. */
export class Unreachable extends Error {
	override name = 'Unreachable';
}

/** Asks a server. The token is read for each request, so that signing in is seen at once. */
export class Client {
	constructor(
		readonly server: string,
		private readonly token: () => string | null,
	) {}

	async signUp(name: string, password = ''): Promise<Session> {
		return session(await this.ask('POST', '/accounts', { name, ...(password && { password }) }));
	}

	/** Signs in with what the server's own page has given (GET /signin), and the secret of who asked for it. */
	async redeemCode(code: string, verifier: string): Promise<Session> {
		return session(await this.ask('POST', '/session/code', { code, code_verifier: verifier }));
	}

	/** Makes a change, and says what it means for its page. A file that comes says how much of it is sent. */
	async perform(
		{ change }: Operation,
		file?: Blob,
		sent: (part: number) => void = () => {},
	): Promise<shapes.PageEvent> {
		const { method, path, body, version } = wanted(change);
		if (file) return outcome(change, await upload(`${this.server}/api/v1${path}`, this.token(), file, sent));
		return outcome(change, await this.ask(method, path, body, version));
	}

	/** What is in a file. */
	async readAttachment(id: string): Promise<Blob> {
		return (await this.fetch('GET', `/attachments/${id}`, {})).blob();
	}

	/** Asks those who moderate its group to look at a highlight. */
	async flag(highlight: string, reason: string): Promise<void> {
		await this.ask('POST', `/highlights/${highlight}/flags`, { reason });
	}

	/** Does what those may who moderate a highlight's group. */
	async moderate(highlight: string, act: Verdict): Promise<void> {
		const path = act === 'dismiss' ? 'flags' : 'hidden';
		await this.ask(act === 'hide' ? 'PUT' : 'DELETE', `/highlights/${highlight}/${path}`);
	}

	/** What members of a group have flagged. */
	async listFlags(group: string): Promise<shapes.Flag[]> {
		const answer = fields(await this.ask('GET', `/groups/${group}/flags?limit=200`), 'list');
		return list(answer.items, 'items', shapes.flag);
	}

	/** Has changes made, each once, and says of each what the server answered: a Problem if it refused. */
	async sendOperations(operations: readonly Operation[]): Promise<Map<string, unknown>> {
		const asked = operations.map(({ id, change }) => {
			const { version, ...request } = wanted(change);
			return { id, ...request, ...(version === undefined ? {} : { if_version: version }) };
		});
		const answer = list(await this.ask('POST', '/operations', asked), 'results', (item) => fields(item, 'result'));
		return new Map(
			answer.map((result) => {
				const status = number(result, 'status');
				return [text(result, 'id'), status < 300 ? (result.body ?? null) : told(status, result.body, null)];
			}),
		);
	}

	/** The hashes of the pages with highlights that begin with a few hex digits. Who asks is not said. */
	async listPagesNear(prefix: string): Promise<string[]> {
		const answer = fields(await this.ask('GET', `/pages/near/${prefix}`, undefined, undefined, true), 'list');
		return list(answer.items, 'items', String);
	}

	/** The groups that one is in. */
	async listGroups(): Promise<shapes.Group[]> {
		const answer = fields(await this.ask('GET', '/groups?limit=200'), 'list');
		return list(answer.items, 'items', shapes.group);
	}

	async createGroup(name: string): Promise<shapes.Group> {
		return shapes.group(await this.ask('POST', '/groups', { name }));
	}

	/** Joins the group that an invitation is to. */
	async acceptInvite(code: string): Promise<shapes.Group> {
		return shapes.group(await this.ask('POST', `/invites/${encodeURIComponent(code)}/accept`));
	}

	/** A link by which others join a group. */
	async createInvite(group: string): Promise<string> {
		return text(fields(await this.ask('POST', `/groups/${group}/invites`, {}), 'invite'), 'url');
	}

	/** What happened to a highlight, newest first. */
	async listHistory(highlight: string): Promise<shapes.Entry[]> {
		const answer = fields(await this.ask('GET', `/highlights/${highlight}/history?limit=50`), 'list');
		return list(answer.items, 'items', shapes.entry);
	}

	private async ask(
		method: string,
		path: string,
		body?: unknown,
		version?: number,
		anonymous = false,
	): Promise<unknown> {
		const headers: Record<string, string> = { Accept: 'application/json' };
		if (body !== undefined) headers['Content-Type'] = 'application/json';
		if (version !== undefined) headers['If-Match'] = `"${version}"`;
		const response = await this.fetch(
			method,
			path,
			headers,
			body === undefined ? null : JSON.stringify(body),
			anonymous,
		);
		const answer = await response.text().catch(unreachable);
		return answer ? (JSON.parse(answer) as unknown) : null;
	}

	private async fetch(
		method: string,
		path: string,
		headers: Record<string, string>,
		body: string | null = null,
		anonymous = false,
	): Promise<Response> {
		const token = anonymous ? null : this.token();
		if (token) headers.Authorization = `Bearer ${token}`;
		const response = await fetch(`${this.server}/api/v1${path}`, {
			method,
			headers,
			body,
			credentials: 'omit',
			cache: 'no-store',
			signal: AbortSignal.timeout(patience),
		}).catch(unreachable);
		if (response.ok) return response;
		throw problem(response, await response.text().catch(unreachable));
	}
}

function unreachable(cause: unknown): never {
	throw new Unreachable('the server does not answer', { cause });
}

/** What a refusal means. One that is not the server's own is a proxy's word that the server is away. */
export function problem(response: Response, body: string): Problem | Unreachable {
	const own = response.headers.get('Content-Type')?.startsWith('application/problem+json');
	if (!own && response.status >= 500) return new Unreachable(`status ${response.status}`);
	const retryAfter = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
	let reason: unknown = null;
	try {
		reason = JSON.parse(body);
	} catch {
		// A refusal without a readable reason is still a refusal.
	}
	return told(response.status, reason, Number.isNaN(retryAfter) ? null : retryAfter);
}

function told(status: number, reason: unknown, retryAfter: number | null): Problem {
	const { code, detail, title } = (typeof reason === 'object' && reason !== null ? reason : {}) as Record<
		string,
		unknown
	>;
	const words = typeof detail === 'string' ? detail : typeof title === 'string' ? title : '';
	return new Problem(status, typeof code === 'string' ? code : '', words, retryAfter);
}

/** What those do who moderate: a highlight is hidden, shown again, or was flagged for nothing. */
export type Verdict = 'hide' | 'show' | 'dismiss';

/** Who one is by now, and the token that stands for it. */
export interface Session {
	account: shapes.Account;
	token: string;
}

function session(answer: unknown): Session {
	const f = fields(answer, 'answer');
	return { account: shapes.account(f.account), token: text(f, 'token') };
}
