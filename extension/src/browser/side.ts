import { Problem } from '../api/client.ts';
import type { Change } from '../api/operations.ts';
import type { Account, Group, Highlight } from '../api/shapes.ts';
import { newID } from '../page/url.ts';
import { byTime, type ReaderEvent } from '../reader/remote.ts';
import { Writer } from '../reader/writer.ts';
import { PageState } from '../state/page.ts';
import { Board } from '../ui/board.ts';
import { type Against, Drafts } from '../ui/composer.ts';
import { button, el } from '../ui/element.ts';
import { adopt } from '../ui/host.ts';
import type { Listed } from '../ui/list.ts';
import { askName } from '../ui/name.ts';
import { paced } from '../ui/pace.ts';
import { language, say } from '../ui/say.ts';
import style from '../ui/ui.css';
import { withOwn } from './groups.ts';
import { ask } from './messages.ts';
import { against } from './page.ts';
import type { FromPage, ToPage } from './side-messages.ts';

// What is beside the page, in Chrome's side panel and Firefox's sidebar. It hears from the content script of the tab
// that is shown what is on its page, and writes through the background as that does.

const root = el('div', { class: 'root side', lang: language(), dir: say('direction') });
document.body.append(root);
document.documentElement.lang = language();
adopt(document, style, new AbortController().signal);

/** The page of one tab, until another is shown. */
class Page {
	private readonly page = new PageState();
	private readonly writer: Writer;
	private readonly board: Board;
	private readonly lamp = el('span', { class: 'lamp' });
	private readonly drafts: Drafts;
	private me: Account | null = null;
	private group = 'public';
	private order: { placed: readonly string[]; lost: readonly string[] } = { placed: [], lost: [] };
	private groups: readonly Group[] = [];

	constructor(
		private readonly place: { url: string; title: string },
		private readonly port: chrome.runtime.Port,
		private readonly signal: AbortSignal,
	) {
		this.draw = paced(() => this.drawNow(), signal);
		const { url } = place;
		this.drafts = new Drafts((key, draft) => void ask('draft', { url, key, draft }).catch(() => {}));
		this.writer = new Writer(url, (operation) => ask('perform', operation), {
			changed: () => this.draw(),
			told: (event) => this.receive(event),
		});
		const open = (id: string) => this.say({ act: 'visit', id });
		this.board = new Board(
			{
				open,
				point: (id) => this.say({ act: 'point', id }),
				putBack: (id) => this.say({ act: 'putBack', id }),
				write: (note) => this.write(note),
				remove: (id) => void this.writer.attempt({ kind: 'delete', highlight: id }),
				groupName: (id) => withOwn(this.groups).find((group) => group.id === id)?.name ?? say('group'),
			},
			this.drafts,
			signal,
		);
		root.replaceChildren(el('header', {}, this.lamp, this.board.title), this.board.element);
		this.draw();
		void ask('settings', { origin: '' }).then(({ groups }) => {
			this.groups = groups;
		});
	}

	hear(told: FromPage): void {
		if ('events' in told) for (const event of told.events) this.receive(event);
		if ('order' in told) this.order = told.order;
		if ('at' in told) this.board.follow(told.at);
		this.draw();
	}

	private receive(event: ReaderEvent): void {
		switch (event.type) {
			case 'account':
				this.me = event.account;
				break;
			case 'group':
				this.group = event.group;
				break;
			case 'kept':
				this.writer.pending.keep(event.kept);
				break;
			case 'drafts':
				this.drafts.restore(event.drafts);
				this.board.discussion.restore();
				break;
			case 'ink':
				break;
			default:
				this.page.apply(event);
		}
		this.draw();
	}

	private readonly draw: () => void;

	private drawNow(): void {
		const { pending } = this.writer;
		const { status, presence } = this.page;
		const all = new Map(pending.highlights(this.page, this.me).map((highlight) => [highlight.id, highlight]));
		const listed =
			(here: boolean) =>
			(highlight: Highlight): Listed => {
				return { highlight, here, progress: pending.progress(highlight.id) };
			};
		const named = (ids: readonly string[]) => ids.flatMap((id) => all.get(id) ?? []);
		const notes = [...all.values()].filter(({ ranges }) => ranges.length === 0).sort(byTime);
		this.lamp.className = `lamp ${status}`;
		this.lamp.title = say(status);
		this.board.show({
			status,
			presence,
			me: this.me,
			waiting: pending.waiting,
			placed: named(this.order.placed).map(listed(true)),
			lost: named(this.order.lost).map(listed(false)),
			notes: notes.map(listed(true)),
		});
	}

	private async write(note: string): Promise<Against | null> {
		if (!this.me && !(await this.introduce())) return { words: say('needsName'), stale: false };
		const { url, title } = this.place;
		const highlight = { id: newID(), url, title, group: this.group, ranges: [], color: 'yellow', note, tags: [] };
		const change: Change = { kind: 'create', highlight };
		return this.writer.attempt(change);
	}

	private introduce(): Promise<boolean> {
		return askName(
			root,
			async (name) => {
				try {
					this.me = await ask('signUp', { name });
					return null;
				} catch (cause) {
					return cause instanceof Problem ? against(name, cause) : say('noAnswer');
				}
			},
			this.signal,
		);
	}

	private say(told: ToPage): void {
		this.port.postMessage(told);
	}
}

/** The tab that it is for, where it is not beside one. */
const own = Number(new URLSearchParams(location.search).get('tab')) || null;

let shown: AbortController | null = null;

/** Shows the page of the tab that is looked at, and again when it becomes another one. */
async function follow(): Promise<void> {
	shown?.abort();
	const end = new AbortController();
	shown = end;
	const [active] = await chrome.tabs.query({ active: true, currentWindow: true });
	const tab = own ?? active?.id;
	if (end.signal.aborted) return;
	if (tab === undefined) return showOff(null);
	const port = chrome.tabs.connect(tab, { name: 'side', frameId: 0 });
	end.signal.addEventListener('abort', () => port.disconnect());
	let page: { is: Page; end: AbortController } | null = null;
	let heard = false;
	port.onMessage.addListener((told: FromPage) => {
		if (end.signal.aborted) return;
		heard = true;
		if ('off' in told) {
			page?.end.abort();
			page = null;
			showOff(told.off);
		} else if ('place' in told) {
			page?.end.abort();
			const own = new AbortController();
			page = { is: new Page(told.place, port, AbortSignal.any([end.signal, own.signal])), end: own };
		} else page?.is.hear(told);
	});
	port.onDisconnect.addListener(() => {
		void chrome.runtime.lastError; // a page without a content script: a page of the browser, a PDF
		if (!heard && !end.signal.aborted) showOff(null);
	});
}

/** Limn is off for the site that is shown, or cannot be on. */
function showOff(off: { origin: string; near: boolean; unreadable: boolean } | null): void {
	const words = !off ? say('cannotHighlight') : off.unreadable ? say('noPDF') : say(off.near ? 'near' : 'turnOn');
	const box = el('div', { class: 'off' }, el('p', {}, words));
	if (off && !off.unreadable) {
		const turnOn = () => void ask('site', { origin: off.origin, on: true });
		const host = new URL(off.origin).host;
		box.append(
			button({ class: 'main' }, say('turnOnFor', host), turnOn, shown?.signal ?? new AbortController().signal),
		);
	}
	root.replaceChildren(el('header', {}, el('h2', {}, 'limn')), box);
}

if (own === null) chrome.tabs.onActivated.addListener(() => void follow());
chrome.tabs.onUpdated.addListener((id, change, tab) => {
	if ((own === null ? tab.active : id === own) && change.status === 'complete') void follow();
});
void follow();
