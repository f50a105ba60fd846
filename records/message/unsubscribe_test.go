package message

import "testing"

// TestUnsubscribeByReply recognises the wish to be written to no more in the
// words of many, and in nothing that only speaks of it.
func TestUnsubscribeByReply(t *testing.T) {
	t.Parallel()
	const head = "From: Bob Roe <bob@example.org>\nTo: Ada <ada@example.com>\nSubject: Re: Spring offers\nIn-Reply-To: <x@example.com>\nContent-Type: text/plain; charset=utf-8\n\n"
	const quoted = "\n\nOn Sun, 22 Nov 2026 at 10:00, Ada <ada@example.com> wrote:\n> Spring is here.\n> To unsubscribe reply with unsubscribe me from this list.\n"
	for _, said := range []string{
		"STOP", "Unsubscribe.", "Hello,\n\nplease remove me from your mailing list.\n\nBob", "Please take us off this distribution list, thanks", "I no longer wish to receive these emails.", "Kindly unsubscribe me from this newsletter", "I don't want to get any more mail from you",
		"Hallo,\n\nbitte nehmen Sie mich aus Ihrem Verteiler.\n\nMit freundlichen Grüßen\nBob", "Ich möchte keine weiteren E-Mails von Ihnen erhalten.", "Bitte streichen Sie uns von der Mailingliste", "Newsletter bitte abbestellen", "Bitte schicken Sie mir keine Werbung mehr",
		"Bonjour,\nMerci de me retirer de votre liste de diffusion.", "Je ne souhaite plus recevoir vos courriels.", "Por favor, dénme de baja de su boletín.", "No deseo recibir más correos.", "Vi prego di cancellarmi dalla vostra mailing list", "Non desidero più ricevere queste mail.",
		"Por favor, remova-me da sua lista.", "Não quero mais receber estes e-mails", "Graag mij verwijderen uit deze lijst", "Ik wil geen mails meer ontvangen", "Ta bort mig från er sändlista, tack", "Jeg ønsker ikke at modtage flere nyhedsbreve", "Fjern meg fra listen, takk",
		"Proszę usunąć mnie z listy mailingowej.", "Nie chcę otrzymywać takich wiadomości", "Prosím odhlásit z odběru", "Nechci dostávat vaše e-maily", "Удалите меня из рассылки, пожалуйста", "Прошу не присылать мне письма", "Видаліть мене зі списку розсилки", "Lütfen beni listenizden çıkarın", "Szeretnék leiratkozni", "Poistakaa minut postituslistalta",
		"Παρακαλώ διαγράψτε με από τη λίστα σας", "Vă rog să mă dezabonați", "今後の配信を停止してください。", "メールの配信は不要です。", "请不要再给我发邮件", "請勿再寄廣告信", "앞으로 메일 보내지 마세요", "수신 거부합니다", "দয়া করে আমাকে তালিকা থেকে বাদ দিন", "আর মেইল পাঠাবেন না", "कृपया मुझे सूची से हटा दें", "أرجو إلغاء الاشتراك", "נא להסיר אותי מרשימת התפוצה", "لطفا لغو اشتراک", "กรุณายกเลิกการรับอีเมล", "Vui lòng hủy đăng ký", "Tolong hapus saya dari daftar ini",
	} {
		if v := Classify(parse(t, head+said+quoted)); v.Kind != Unsubscribe || v.Auto {
			t.Errorf("%q is %s, auto %v", said, v.Kind, v.Auto)
		}
	}
	for _, said := range []string{
		"Thanks, we take twelve.", "I'd take the second anvil from your list, please.", "Stop by our office on Friday!", "Please do not unsubscribe me, I like it.", "Customers want to unsubscribe from this list; can you help?", "Please remove the second address from the invoice.", "We no longer want the red ones.", "Take me off the hook!", "If you no longer wish to receive these emails, reply with stop.", "To unsubscribe from this list click here", "Wenn Sie keine Mails mehr erhalten möchten, antworten Sie.",
		"Ich habe Ihre Adresse von der Liste der Aussteller.", "Bitte löschen Sie den Auftrag 4711.", "Wir möchten keine Änderung mehr.", "Kunden möchten den Newsletter abbestellen können, geht das?", "Veuillez retirer la commande au magasin.", "No quiero recibir el pedido antes del lunes.", "Por favor retire a encomenda na loja.", "Ik wil geen korting.", "Удалите, пожалуйста, второй заказ.", "注文を停止してください。", "请从仓库发货",
		"Thanks, that helps.\nWe look at it next week.\nCould you send the prices again?\nAnd a sample.\nPlease remove me from your mailing list of the trade fair though.",
	} {
		if v := Classify(parse(t, head+said+quoted)); v.Kind != Personal {
			t.Errorf("%q is %s", said, v.Kind)
		}
	}
}
