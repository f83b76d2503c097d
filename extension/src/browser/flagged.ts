import type { Verdict } from '../api/client.ts';
import type { Flag, Group } from '../api/shapes.ts';
import { inkOf } from '../paint/inks.ts';
import { moderates } from '../reader/remote.ts';
import type { Leaf } from '../ui/board.ts';
import { button, el } from '../ui/element.ts';
import { say } from '../ui/say.ts';
import { ago, exactly, failure } from '../ui/words.ts';
import { moderation } from './moderation.ts';

/** What members of the groups that one moderates have flagged, on whatever page. */
export class Flagged implements Leaf {
	readonly title = say('flagged');
	readonly element = el('div', { class: 'scroll', hidden: true });
	private readonly groups: readonly Group[];

	constructor(
		groups: readonly Group[],
		private readonly open: (highlight: string) => void,
		/** The page that is shown: what is on others opens in a tab. */
		private readonly url: string,
		private readonly signal: AbortSignal,
	) {
		this.groups = groups.filter(({ id }) => moderates(groups, id));
	}

	/** Whether one moderates anything. */
	get any(): boolean {
		return this.groups.length > 0;
	}

	turned(): void {
		void this.show();
	}

	private async show(): Promise<void> {
		try {
			const all = await Promise.all(this.groups.map(({ id }) => moderation.listFlags(id)));
			const flags = all.flat();
			const list = el('ul', { class: 'list' }, ...flags.map((flag) => this.entry(flag)));
			this.element.replaceChildren(flags.length > 0 ? list : el('p', { class: 'empty' }, say('nothingFlagged')));
		} catch (cause) {
			this.element.replaceChildren(el('p', { class: 'empty' }, failure(cause)));
		}
	}

	private entry({ highlight, by, reason, at }: Flag): HTMLElement {
		const { id, page, ranges, note, color, hidden } = highlight;
		const quote = ranges.map((range) => range.quote?.exact ?? '').join(' … ') || note;
		const here = page.url === this.url;
		const go = () => (here ? this.open(id) : void chrome.tabs.create({ url: page.url }));
		const row = button(
			{ class: 'entry' },
			el('span', { class: 'quote', dir: 'auto' }, quote.slice(0, 200)),
			go,
			this.signal,
		);
		row.style.setProperty('--ink', `var(--${inkOf(color)})`);
		row.append(
			el('span', { class: 'meta reason', dir: 'auto' }, reason || say('noReason')),
			el(
				'span',
				{ class: 'meta' },
				el('bdi', { class: 'name' }, by.name),
				el('time', { class: 'facts', datetime: at, title: exactly(at) }, `· ${ago(at)}`),
			),
		);
		if (!here) row.append(el('span', { class: 'meta' }, el('bdi', { class: 'name' }, page.title || page.url)));
		const wrong = el('p', { class: 'wrong', role: 'alert', hidden: true });
		const act = (verdict: Verdict, label: string) =>
			button({ class: 'quiet' }, label, () => void this.act(id, verdict, wrong), this.signal);
		const acts = el(
			'div',
			{ class: 'acts' },
			hidden ? act('show', say('showAgain')) : act('hide', say('hide')),
			act('dismiss', say('dismiss')),
		);
		return el('li', { 'data-id': id }, row, acts, wrong);
	}

	private async act(id: string, verdict: Verdict, wrong: HTMLElement): Promise<void> {
		try {
			await moderation.act(this.url, id, verdict);
			await this.show();
		} catch (cause) {
			wrong.textContent = failure(cause);
			wrong.hidden = false;
		}
	}
}
