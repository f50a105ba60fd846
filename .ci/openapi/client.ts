// A program that works with the API through the client a generator made of its
// document. It ends with status 0 only if everything went as it should.
import { client } from './gen/client.gen';
import * as api from './gen';

declare const process: { argv: string[]; exit(status: number): never };

client.setConfig({ baseUrl: process.argv[2], headers: { Authorization: 'Bearer ' + process.argv[3] } });

function must(fine: unknown, what: string, got?: unknown): asserts fine {
  if (!fine) throw new Error(what + ': ' + JSON.stringify(got));
}

async function main() {
  const made = await api.addContact({ body: { name: 'Zoë Zürn', emails: ['zoe@zoo.example'], kind: 'customer', tags: ['vip'] } });
  must(made.data?.id && made.data.revision, 'create', made.error);
  const who = made.data.id;

  const listed = await api.listContacts({ query: { tag: 'vip', limit: 1 } });
  must(listed.data?.items.length === 1 && listed.data.items[0].id === who, 'list', listed.error ?? listed.data);

  const read = await api.getContact({ path: { who } });
  must(read.data?.addresses?.[0] === 'zoe@zoo.example', 'get', read.error);
  const tag = read.response!.headers.get('ETag')!;

  const edited = await api.editContact({ path: { who }, headers: { 'If-Match': tag }, body: { set: { role: 'reader' } } });
  must(edited.data?.role === 'reader' && edited.data.revision !== read.data.revision, 'edit', edited.error);

  const lost = await api.editContact({ path: { who }, headers: { 'If-Match': tag }, body: { set: { role: 'writer' } } });
  must(lost.response!.status === 412 && lost.error?.code === 'changed', 'conflict', lost.error);

  const note = await api.addNote({ body: { who, text: 'likes gorillas', kind: 'call' } });
  must(note.data?.text === 'likes gorillas' && note.data.kind === 'call' && note.data.message === null, 'note', note.error);

  const found = await api.search({ query: { q: 'gorillas' } });
  must(found.data?.items.some((e) => e.id === note.data!.id), 'search', found.error ?? found.data);

  const headers = { 'Idempotency-Key': 'once-and-only-once' };
  const body = { name: 'Twice' };
  const [first, second] = [await api.addContact({ headers, body }), await api.addContact({ headers, body })];
  must(first.data?.id && first.data.id === second.data?.id, 'idempotency', second.error);

  const nobody = await api.getContact({ path: { who: 'nobody@nowhere.example' } });
  must(nobody.response!.status === 404 && nobody.error?.code === 'not_found' && nobody.error.detail, 'not found', nobody.error);

  const wrong = await api.listContacts({ query: { limit: 0 } });
  must(wrong.response!.status === 400, 'refused', wrong.error);
  console.log('all is well');
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
