package mailsync

import (
	"encoding/base64"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"rapport/records/message"
)

// folder is one folder of a mailbox as the server lists it.
type folder struct {
	raw  string // the server's own bytes, for EXAMINE; never used as a path
	name string // readable, with the server's delimiter
	path string // readable, with '/' as the delimiter, for patterns
	role message.Role
	now  selection // from STATUS, where it was had
	seen bool      // now is of this moment
}

// namesOf are the words by which folders without a special-use attribute are
// recognised, folded to lower case, in the languages of common clients.
var namesOf = map[message.Role][]string{
	message.RoleSent: {"sent", "sent items", "sent mail", "sent messages", "gesendet", "gesendete objekte", "gesendete elemente", "gesendete nachrichten", "gesendete",
		"envoyés", "éléments envoyés", "messages envoyés", "envoyé", "objets envoyés", "enviados", "elementos enviados", "correo enviado", "itens enviados", "mensagens enviadas", "inviata", "posta inviata", "elementi inviati", "inviati",
		"verzonden", "verzonden items", "verzonden berichten", "wysłane", "elementy wysłane", "odeslaná pošta", "odeslané", "odoslané", "skickat", "skickade", "sendt", "sendte elementer", "sendt post", "sendte", "lähetetyt", "elküldött elemek", "elküldött",
		"отправленные", "відправлені", "надіслані", "gönderilmiş öğeler", "gönderilenler", "gönderilmiş", "已发送", "已发送邮件", "已傳送郵件", "寄件備份", "送信済み", "送信済みメール", "送信済みアイテム", "보낸편지함", "보낸 편지함", "প্রেরিত", "পাঠানো", "المرسلة", "العناصر المرسلة", "भेजे गए", "ส่งแล้ว", "đã gửi", "trimise", "elemente trimise", "poslano", "изпратени", "απεσταλμένα", "נשלחו"},
	message.RoleDrafts: {"drafts", "draft", "entwürfe", "entwurf", "brouillons", "brouillon", "borradores", "rascunhos", "bozze", "concepten", "kopie robocze", "szkice", "wersje robocze", "koncepty", "rozepsané", "rozpísané", "utkast", "kladder", "kladde", "luonnokset", "piszkozatok",
		"черновики", "чернетки", "taslaklar", "草稿", "草稿箱", "下書き", "임시보관함", "খসড়া", "المسودات", "ड्राफ़्ट", "ฉบับร่าง", "thư nháp", "ciorne", "osnutki", "чернови", "πρόχειρα", "טיוטות"},
	message.RoleJunk: {"junk", "junk e-mail", "junk email", "junk mail", "spam", "bulk mail", "junk-e-mail", "spamverdacht", "unerwünscht", "unerwünschte werbung", "courrier indésirable", "indésirables", "pourriel", "correo no deseado", "no deseado", "lixo eletrônico", "lixo electrónico", "posta indesiderata", "indesiderata",
		"ongewenste e-mail", "ongewenst", "wiadomości-śmieci", "niechciane", "nevyžádaná pošta", "nevyžiadaná pošta", "skräppost", "søppelpost", "uønsket e-post", "uønsket mail", "roskaposti", "levélszemét", "нежелательная почта", "спам", "небажана пошта", "önemsiz e-posta", "istenmeyen", "垃圾邮件", "垃圾郵件", "迷惑メール", "스팸", "스팸메일함", "정크 메일", "স্প্যাম", "البريد غير الهام", "बल्क", "thư rác", "нежелана поща", "ανεπιθύμητη αλληλογραφία", "דואר זבל"},
	message.RoleTrash: {"trash", "deleted", "deleted items", "deleted messages", "bin", "papierkorb", "gelöschte objekte", "gelöschte elemente", "gelöscht", "corbeille", "éléments supprimés", "messages supprimés", "papelera", "elementos eliminados", "eliminados", "lixeira", "lixo", "itens excluídos", "itens eliminados", "cestino", "posta eliminata", "elementi eliminati",
		"prullenbak", "verwijderde items", "kosz", "elementy usunięte", "usunięte", "koš", "odstraněná pošta", "kôš", "odstránené", "papperskorgen", "borttagna objekt", "papirkurv", "slettet post", "slettede elementer", "slettede", "roskakori", "poistetut", "kuka", "lomtár", "törölt elemek", "корзина", "удаленные", "удалённые", "кошик", "видалені", "çöp kutusu", "silinmiş öğeler", "已删除", "已删除邮件", "刪除的郵件", "垃圾桶", "ゴミ箱", "ごみ箱", "削除済みアイテム", "휴지통", "지운 편지함", "ট্র্যাশ", "المحذوفة", "العناصر المحذوفة", "ट्रैश", "ถังขยะ", "thùng rác", "coș de gunoi", "koš za smeti", "кошче", "κάδος απορριμμάτων", "אשפה"},
	message.RoleArchive: {"archive", "archives", "archiv", "archivo", "arquivo", "arquivo morto", "archivio", "archief", "archiwum", "archív", "arkiv", "arkisto", "archívum", "архив", "архів", "arşiv", "存档", "归档", "封存", "アーカイブ", "보관", "보관함", "আর্কাইভ", "الأرشيف", "संग्रह", "arhivă", "arhiv", "αρχείο", "ארכיון"},
	message.RolePrivate: {"private", "privat", "privé", "privado", "privato", "privé-map", "prywatne", "soukromé", "súkromné", "privata", "yksityinen", "личное", "приватне", "özel", "私人", "プライベート", "비공개", "ব্যক্তিগত"},
}

var roleByName = func() map[string]message.Role {
	out := map[string]message.Role{}
	for role, names := range namesOf {
		for _, n := range names {
			out[n] = role
		}
	}
	return out
}()

var roleByUse = map[string]message.Role{
	`\sent`: message.RoleSent, `\drafts`: message.RoleDrafts, `\junk`: message.RoleJunk, `\trash`: message.RoleTrash,
	`\archive`: message.RoleArchive, `\all`: message.RoleAll, `\inbox`: message.RoleInbox, `\spam`: message.RoleJunk,
}

// policy says which folders are read and what each is for. It is the one
// place where that is decided, for every provider.
type policy struct {
	include, exclude []string
	labels           bool // All Mail can be read once, with its labels
	exchange         bool // folders that hold no mail are listed among the others
}

// choose names the folders, gives them roles and returns those to read; all
// are those the mailbox has, by name.
func (p policy) choose(lists []listed) (read []folder, all []string) {
	var folders []folder
	taken := map[string]bool{}
	for _, l := range lists {
		name := decodeName(l.raw)
		if taken[name] {
			name = strconv.QuoteToASCII(l.raw)
		}
		if taken[name] || l.raw == "" {
			continue
		}
		taken[name] = true
		all = append(all, name)
		if hasAttr(l, `\noselect`) || hasAttr(l, `\nonexistent`) {
			continue
		}
		f := folder{raw: l.raw, name: name, path: name}
		if l.delim != "" && l.delim != "/" {
			f.path = strings.ReplaceAll(name, l.delim, "/")
		}
		f.role = roleOf(l, f.path)
		folders = append(folders, f)
	}
	inherit(folders)
	allMail := p.labels && slices.ContainsFunc(folders, func(f folder) bool { return f.role == message.RoleAll })
	for _, f := range folders {
		if p.reads(f, allMail) {
			read = append(read, f)
		}
	}
	slices.SortStableFunc(read, func(a, b folder) int { return rank(a.role) - rank(b.role) })
	return read, all
}

// reads decides on one folder.
func (p policy) reads(f folder, allMail bool) bool {
	if matchAny(p.exclude, f) {
		return false
	}
	named := matchAny(p.include, f)
	if p.exchange && !named && slices.Contains(noMail, strings.ToLower(strings.SplitN(f.path, "/", 2)[0])) {
		return false
	}
	switch f.role {
	case message.RoleJunk, message.RoleTrash, message.RoleDrafts:
		return named // only who names it wants it
	case message.RoleAll:
		return allMail
	}
	if allMail { // which holds it already; but a label given later shows in its own folder only
		return f.role == message.RolePrivate
	}
	return len(p.include) == 0 || named || f.role == message.RolePrivate
}

// noMail are Exchange's own folders at the top that hold appointments, chats,
// feeds and what could not be sent, in the languages they are made in most.
var noMail = []string{"calendar", "contacts", "tasks", "journal", "notes", "outbox", "sync issues", "conversation history", "rss feeds", "rss subscriptions",
	"kalender", "kontakte", "aufgaben", "notizen", "postausgang", "synchronisierungsprobleme", "aufgezeichnete unterhaltungen", "rss-feeds",
	"calendrier", "tâches", "boîte d'envoi", "problèmes de synchronisation", "historique des conversations", "calendario", "contactos", "tareas", "notas", "bandeja de salida"}

// rank orders folders: what people wait for first.
func rank(r message.Role) int {
	switch r {
	case message.RoleInbox, message.RoleAll:
		return 0
	case message.RoleSent:
		return 1
	case message.RoleArchive:
		return 3
	}
	return 2
}

// roleOf tells what a folder is for: by its attribute, then by its name,
// which counts at the top and directly below INBOX or a provider's own root.
func roleOf(l listed, path string) message.Role {
	if strings.EqualFold(path, "INBOX") {
		return message.RoleInbox
	}
	for _, a := range l.attrs {
		if role, ok := roleByUse[strings.ToLower(a)]; ok {
			return role
		}
	}
	parts := strings.Split(path, "/")
	if len(parts) > 1 {
		switch root := strings.ToLower(parts[0]); {
		case root == "inbox", strings.HasPrefix(root, "[g"): // [Gmail], [Google Mail]
			parts = parts[1:]
		}
	}
	role, ok := roleByName[strings.ToLower(strings.TrimSpace(parts[len(parts)-1]))]
	if !ok || len(parts) > 1 && role != message.RolePrivate {
		return message.RoleOther
	}
	return role
}

// inherit lets folders below Junk, Trash, Drafts and Private be of that kind
// too: a folder thrown away is thrown away with all in it.
func inherit(folders []folder) {
	kinds := map[string]message.Role{}
	for _, f := range folders {
		switch f.role {
		case message.RoleJunk, message.RoleTrash, message.RoleDrafts, message.RolePrivate:
			kinds[f.path] = f.role
		}
	}
	for i, f := range folders {
		for at := strings.LastIndexByte(f.path, '/'); at > 0; at = strings.LastIndexByte(f.path[:at], '/') {
			if role, ok := kinds[f.path[:at]]; ok && f.role != message.RoleInbox {
				folders[i].role = role
			}
		}
	}
}

func hasAttr(l listed, attr string) bool {
	return slices.ContainsFunc(l.attrs, func(a string) bool { return strings.EqualFold(a, attr) })
}

func matchAny(patterns []string, f folder) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matchPath(p, f.path) || matchPath(p, f.name) })
}

// matchPath tells whether a pattern names a folder: by its whole path, by a
// folder above it, or with * and ? as a shell reads them; a * at the end
// also takes what lies deeper. INBOX is the same in every case of its letters.
func matchPath(pattern, name string) bool {
	pattern, name = strings.Trim(pattern, "/"), strings.Trim(name, "/")
	if pattern == "" {
		return false
	}
	pattern, name = foldInbox(pattern), foldInbox(name)
	for {
		if ok, err := path.Match(pattern, name); err == nil && ok || pattern == name {
			return true
		}
		at := strings.LastIndexByte(name, '/')
		if at < 0 {
			return false
		}
		name = name[:at]
	}
}

func foldInbox(name string) string {
	if len(name) >= 5 && strings.EqualFold(name[:5], "INBOX") && (len(name) == 5 || name[5] == '/') {
		return "INBOX" + name[5:]
	}
	return name
}

// decodeName returns a folder's readable name: modified UTF-7 (RFC 3501,
// 5.1.3) decoded, UTF-8 as it is; a name that is neither comes back quoted.
func decodeName(raw string) string {
	name, ok := decodeUTF7(raw)
	if !ok || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		return strconv.QuoteToASCII(raw)
	}
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

var utf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

func decodeUTF7(raw string) (string, bool) {
	if !utf8.ValidString(raw) {
		return "", false
	}
	var b strings.Builder
	for raw != "" {
		at := strings.IndexByte(raw, '&')
		if at < 0 {
			b.WriteString(raw)
			break
		}
		b.WriteString(raw[:at])
		end := strings.IndexByte(raw[at:], '-')
		if end < 0 {
			return "", false
		}
		code := raw[at+1 : at+end]
		raw = raw[at+end+1:]
		if code == "" {
			b.WriteByte('&')
			continue
		}
		data, err := utf7.DecodeString(code)
		if err != nil || len(data)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(data)/2)
		for i := range units {
			units[i] = uint16(data[2*i])<<8 | uint16(data[2*i+1])
		}
		for _, r := range utf16.Decode(units) {
			if r == utf8.RuneError {
				return "", false
			}
			b.WriteRune(r)
		}
	}
	return b.String(), true
}

// share returns the folders that are the rounds' own, and the one of them to
// watch.
func share(folders, watched []folder, own string) (mine []folder, last *folder, err error) {
	for _, w := range watched {
		if !slices.ContainsFunc(folders, func(f folder) bool { return f.raw == w.raw && f.role == w.role }) {
			return nil, nil, errReplan
		}
	}
	for _, f := range folders {
		switch {
		case slices.ContainsFunc(watched, func(w folder) bool { return w.raw == f.raw }):
		case f.name == own:
			last = &f
			mine = append(mine, f)
		default:
			mine = append(mine, f)
		}
	}
	if own != "" && last == nil {
		return nil, nil, errReplan
	}
	return mine, last, nil
}
