package boltstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// The formats of values: the first byte says which.
const (
	formatJSON  = 1 // JSON
	formatZJSON = 2 // JSON, zstd with the dictionary jsonDictionary; read only
	formatZstd  = 3 // bytes, zstd; for index blocks and raw mail, once for texts
	formatFile  = 4 // raw mail in a file
	formatSJSON = 5 // JSON, sealed
	formatCJSON = 6 // JSON, s2 with the dictionary jsonDictionary, sealed
	formatCText = 7 // texts of an entry as JSON, s2, sealed
	formatZText = 8 // the same where they are long, zstd, sealed
)

// jsonDictionary holds what the JSON of records repeats. It never changes:
// values are read with the dictionary they were written with; another gets
// another format byte.
const jsonDictionary = `"addresses":["affiliations":[{"organisation":"kind":"customer"partner"stage":"active"role":"owner":"tags":["created":"2026-updated":"` +
	`","raw":"","text_sum":"","verdict":{"kind":"personal","auto":false,"complaint":null,"original":null,"away_until":null,"calendar":null},"trust":"none","attachments":[{"name":"","type":"application/pdf","size":,"sha256":"","part":"2"}],"snippet":"Re: Dear ` +
	`"flags":["variant"],"matches":[{"contact":"01K","organisation":"01K","rule":"address","certain":true,"role":"to","address":"@example.com"}],"protected":true,"identities":["` +
	`{"id":"01K","thread":"01K","head":{"message_id":"@mail.gmail.com","date":"2026-01-01T00:00:00+01:00","from":[{"name":"","address":"@example.org"}],"to":[{"name":"","address":"@"}],"cc":[{"name":"","address":"@"}],"delivered_to":[{"address":"subject":"Re: ","in_reply_to":["@"],"references":["@"],"media_type":"multipart/alternative","auto":{"list_id":"},"auth_results":["dmarc=pass spf=pass dkim=pass"]},"time":"2026-01-01T00:00:00Z","received":"2026-01-01T00:00:00Z","size":,"direction":"in","direction":"out",` +
	`"holdings":[{"mailbox":"","folder":"INBOX","uidvalidity":1,"uid":,"size":}],"kind":"message","direction":"in","subject":"","snippet":"","message":"01K","thread":"01K","contacts":["01K"],"organisations":["01K"],"attachment":true,"doc":`

const dictionaryID = 1

var (
	// jsonCoder makes records a tenth longer than zstd does, in a tenth of the
	// time: they are so short that preparing zstd's tables is most of its work.
	// Its start is part of the format as well.
	jsonCoder   = s2.MakeDict([]byte(jsonDictionary), []byte(`{"id":"01K`))
	jsonDecoder = mustDecoder(zstd.WithDecoderDictRaw(dictionaryID, []byte(jsonDictionary)), zstd.WithDecoderMaxMemory(64<<20))
	textEncoder = mustEncoder(textOptions...)
	textDecoder = mustDecoder(zstd.WithDecoderMaxMemory(256 << 20))
)

// textOptions compress texts and what of raw mail is no base64, see packMail.
var textOptions = []zstd.EOption{
	zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true), zstd.WithWindowSize(1 << 20),
}

// mustEncoder makes an encoder for EncodeAll, which keeps few buffers.
func mustEncoder(o ...zstd.EOption) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true)}, o...)...)
	if err != nil {
		panic(err)
	}
	return e
}

func mustDecoder(o ...zstd.DOption) *zstd.Decoder {
	d, err := zstd.NewReader(nil, append([]zstd.DOption{zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true)}, o...)...)
	if err != nil {
		panic(err)
	}
	return d
}

// encode writes a record. Short ones stay plain: compression would not pay.
func encode(key []byte, v any, compress bool) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if compress && len(raw) > 160 {
		out := make([]byte, 1+s2.MaxEncodedLen(len(raw))+sealSize)
		if z := jsonCoder.Encode(out[1:], raw); len(z) < len(raw) {
			out[0] = formatCJSON
			return sealed(key, out[:1+len(z)]), nil
		}
	}
	return sealed(key, append(append(make([]byte, 0, len(raw)+1+sealSize), formatSJSON), raw...)), nil
}

// decode reads what encode wrote and brings its times into the store's form.
func decode(key, b []byte, v any) error {
	raw, err := plainJSON(key, b)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return err
	}
	micros(reflect.ValueOf(v))
	return nil
}

func plainJSON(key, b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("value is empty")
	}
	switch b[0] {
	case formatJSON: // before there were seals
		return b[1:], nil
	case formatSJSON:
		raw, err := unsealed(key, b)
		if err != nil {
			return nil, err
		}
		return raw[1:], nil
	case formatCJSON:
		raw, err := unsealed(key, b)
		if err != nil {
			return nil, err
		}
		return jsonCoder.Decode(nil, raw[1:])
	case formatZJSON:
		return jsonDecoder.DecodeAll(b[1:], nil)
	}
	return nil, fmt.Errorf("value has the unknown format %d", b[0])
}

// packText compresses bytes; unpackText undoes it.
func packText(s []byte) []byte {
	room := packing.Get().(*[]byte)
	defer packing.Put(room)
	*room = textEncoder.EncodeAll(s, append((*room)[:0], formatZstd))
	return bytes.Clone(*room)
}

func unpackText(b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] != formatZstd {
		return nil, fmt.Errorf("text has an unknown format")
	}
	return textDecoder.DecodeAll(b[1:], nil)
}

var timeType = reflect.TypeFor[time.Time]()

// timed remembers which types hold times, so that the rest is not walked.
var timed sync.Map // reflect.Type -> bool

func holdsTime(t reflect.Type) bool {
	if t == timeType {
		return true
	}
	if known, ok := timed.Load(t); ok {
		return known.(bool)
	}
	timed.Store(t, false) // ends the recursion of types that hold themselves
	holds := false
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		holds = holdsTime(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() && holdsTime(t.Field(i).Type) {
				holds = true
			}
		}
	}
	timed.Store(t, holds)
	return holds
}

// micros turns every time below v into microseconds UTC.
func micros(v reflect.Value) {
	if !holdsTime(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			micros(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			micros(v.Index(i))
		}
	case reflect.Struct:
		if t, ok := v.Addr().Interface().(*time.Time); ok {
			*t = instant(*t)
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				micros(v.Field(i))
			}
		}
	}
}

// instant is a time as the store keeps it.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
