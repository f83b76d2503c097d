import { type Operation, subject } from '../api/operations.ts';
import type { Account, Highlight, NewHighlight, Reply } from '../api/shapes.ts';
import { type PageState, withFile } from './page.ts';

/** How a change stands that the server has not confirmed: on its way, kept until the server answers, or refused. */
export type Progress = 'sending' | 'waiting' | 'refused';

/** A change that is kept where it outlives the page, and the server's words if it was refused. */
export interface Kept {
	operation: Operation;
	refused: { code: string; detail: string } | null;
}

/**
 * What one has changed on a page and the server has not confirmed, laid over what the server has told. A change that
 * was refused is not shown as done, except for a new highlight, which is nowhere else.
 */
export class Pending {
	private readonly sending = new Map<string, Operation>();
	private kept = new Map<string, Kept>();

	begin(operation: Operation): void {
		this.sending.set(operation.id, operation);
	}

	/** It is done, or will not be. */
	end(operation: Operation): void {
		this.sending.delete(operation.id);
		this.kept.delete(operation.id);
	}

	/** It is kept until the server answers. */
	wait(operation: Operation): void {
		this.sending.delete(operation.id);
		this.kept.set(operation.id, { operation, refused: null });
	}

	/** Takes over all that is kept for the page, and says which highlights that concerns. */
	keep(all: readonly Kept[]): Set<string> {
		const before = this.kept;
		this.kept = new Map(all.map((kept) => [kept.operation.id, kept]));
		return new Set([...before.values(), ...all].map(({ operation }) => subject(operation.change)));
	}

	/** What is shown of a highlight; null: nothing. */
	highlight(page: PageState, id: string, me: Account | null): Highlight | null {
		let shown = page.highlights.get(id) ?? null;
		for (const { at, url, change } of this.of(id)) {
			switch (change.kind) {
				case 'create':
					shown ??= made(change.highlight, url, at, me);
					break;
				case 'edit':
					shown &&= { ...shown, ...change.edit };
					break;
				case 'reanchor':
					shown &&= { ...shown, ranges: change.ranges, check: { state: 'pending', reason: '', ranges: null } };
					break;
				case 'delete':
					shown = null;
					break;
				case 'attach':
				case 'detach':
					if (change.reply !== null) break;
					shown &&= {
						...shown,
						attachments: withFile(shown.attachments, change.file, change.kind === 'detach'),
					};
					break;
			}
		}
		return shown;
	}

	/** Everything that is shown of a page. */
	highlights(page: PageState, me: Account | null): Highlight[] {
		const changed = new Set(this.operations().map(({ change }) => subject(change)));
		if (changed.size === 0) return [...page.highlights.values()];
		return [...new Set([...page.highlights.keys(), ...changed])].flatMap(
			(id) => (changed.has(id) ? this.highlight(page, id, me) : page.highlights.get(id)) ?? [],
		);
	}

	/** The thread under a highlight. */
	replies(page: PageState, id: string, me: Account | null): Reply[] {
		let replies = page.repliesTo(id);
		for (const { at, change } of this.of(id)) {
			if (change.kind === 'deleteReply') replies = replies.filter((reply) => reply.id !== change.reply);
			if (change.kind === 'attach' || change.kind === 'detach') {
				const { file, kind } = change;
				replies = replies.map((reply) =>
					reply.id === change.reply
						? { ...reply, attachments: withFile(reply.attachments, file, kind === 'detach') }
						: reply,
				);
			}
			if (change.kind !== 'reply' || replies.some((reply) => reply.id === change.reply.id)) continue;
			replies.push({ ...change.reply, author: me ?? nobody, attachments: [], ...fresh(at) });
		}
		return replies;
	}

	/** How the changes of a highlight stand, by the one that is worst off; null: all are confirmed. */
	progress(id: string): Progress | null {
		const kept = [...this.kept.values()].filter(({ operation }) => subject(operation.change) === id);
		if (kept.some(({ refused }) => refused)) return 'refused';
		if (kept.length > 0) return 'waiting';
		return [...this.sending.values()].some(({ change }) => subject(change) === id) ? 'sending' : null;
	}

	/** The files of a highlight that the server does not have yet, and how they stand. */
	files(id: string): Map<string, Progress> {
		const all = this.of(id).flatMap(({ id: operation, change }): [string, Progress][] =>
			change.kind === 'attach' ? [[change.file.id, this.kept.has(operation) ? 'waiting' : 'sending']] : [],
		);
		return new Map(all);
	}

	/** The changes of a highlight that were refused. */
	refused(id: string): Kept[] {
		return [...this.kept.values()].filter(({ operation, refused }) => refused && subject(operation.change) === id);
	}

	/** All that is kept. */
	get all(): Kept[] {
		return [...this.kept.values()];
	}

	/** How many changes wait for the server. */
	get waiting(): number {
		return this.all.filter(({ refused }) => !refused).length;
	}

	/** The changes that are shown as done, in the order in which they were made. */
	private operations(): Operation[] {
		const shown = [...this.kept.values()]
			.filter(({ refused, operation }) => !refused || operation.change.kind === 'create')
			.map(({ operation }) => operation);
		return [...shown, ...[...this.sending.values()].filter(({ id }) => !this.kept.has(id))];
	}

	private of(id: string): Operation[] {
		return this.operations().filter(({ change }) => subject(change) === id);
	}
}

const nobody: Account = { id: '', name: '' };

function made(wanted: NewHighlight, url: string, at: string, me: Account | null): Highlight {
	return {
		...wanted,
		page: { id: '', url, title: wanted.title },
		author: me ?? nobody,
		replies: 0,
		attachments: [],
		hidden: false,
		check: { state: 'pending', reason: '', ranges: null },
		...fresh(at),
	};
}

/** A change that has no number yet. */
function fresh(at: string) {
	return { seq: 0, version: 0, created_at: at, updated_at: at };
}
