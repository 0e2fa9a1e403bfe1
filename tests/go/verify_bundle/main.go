// Command verify_bundle checks an evidence folder with code that is not ours: signatures by Go's
// sumdb/note, trees and proofs by Go's sumdb/tlog, as Debian packages them.
//
//	verify_bundle [-redacted | -proofs] FOLDER VKEY...
//
// The vkeys are the pinned keys of one log; nothing in the folder is trusted. The tree is rebuilt
// from the entries, leaf by leaf. tlog.TileHashReader is not used: in the packaged version an entry
// altered together with its leaf hash passes it. With -redacted, entry bundles may be absent, and
// their leaves are taken from the level-0 tiles, as those of pruned entries (length zero) are. With
// -proofs, for the folder of one person, there are no tiles: each entry must be proven, and each
// older head joined to the newest by a file of consistency/.
//
// It prints one line and exits 0, or one sentence on standard error and exits 1.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256 // hashes in a full tile, entries in a full bundle

// A log is what has been verified of the folder so far.
type log struct {
	folder   string
	origin   string
	keys     note.Verifiers
	redacted bool
	proofs   bool // no tiles: what is not proven by a file is not there

	head    head
	stored  []tlog.Hash // every hash of the rebuilt tree, in tlog's order
	entries int64       // entries present and hashed
	pruned  int64       // leaves without entry
}

// A head is the size and root that a verified checkpoint states.
type head struct {
	size int64
	root tlog.Hash
}

func main() {
	redacted := flag.Bool("redacted", false, "entry bundles may be absent")
	proofs := flag.Bool("proofs", false, "the entries of one person, each with its proof")
	flag.Parse()
	if flag.NArg() < 2 || *redacted && *proofs {
		fmt.Fprintln(os.Stderr, "usage: verify_bundle [-redacted | -proofs] FOLDER VKEY...")
		os.Exit(2)
	}
	l := &log{folder: flag.Arg(0), redacted: *redacted, proofs: *proofs}
	said, err := l.verify(flag.Args()[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "Not verified: %v.\n", err)
		os.Exit(1)
	}
	fmt.Println(said)
}

// verify runs every check in turn; the first that fails is the answer.
func (l *log) verify(vkeys []string) (string, error) {
	if err := l.pin(vkeys); err != nil {
		return "", err
	}
	raw, err := l.read("checkpoint")
	if err != nil {
		return "", err
	}
	if l.head, err = l.openHead(raw); err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	if l.head.size == 0 {
		return "", errors.New("checkpoint: an empty log proves nothing")
	}
	if err := l.checkTree(); err != nil {
		return "", err
	}
	counts := make([]int, 4)
	for i, check := range []struct {
		pattern string
		run     func(string) error
	}{
		{"checkpoints/*", l.checkEarlier},
		{"proofs/*.tlog-proof", l.checkProof},
		{"consistency/*", l.checkGrowth},
		{"keys/*.tlog-proof", l.checkProof},
	} {
		found, err := filepath.Glob(filepath.Join(l.folder, check.pattern))
		if err != nil {
			return "", err
		}
		for _, path := range found {
			name, _ := filepath.Rel(l.folder, path)
			if err := check.run(name); err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
		}
		counts[i] = len(found)
	}
	return fmt.Sprintf("Verified: %s, %d leaves, root %v, %d entries, %d without entry, "+
		"%d earlier checkpoints, %d proofs of entries, %d of growth, %d of keys.", l.origin, l.head.size,
		l.head.root, l.entries, l.pruned, counts[0], counts[1], counts[2], counts[3]), nil
}

// checkTree rebuilds the tree, or makes sure that there is none to rebuild.
func (l *log) checkTree() error {
	if l.proofs {
		if _, err := os.Stat(filepath.Join(l.folder, "tile")); err == nil {
			return errors.New("there are tiles, and only proofs were to be checked")
		}
		return nil
	}
	if err := l.rebuild(); err != nil {
		return err
	}
	return l.checkTiles()
}

// pin takes the keys of the log; all must bear its name.
func (l *log) pin(vkeys []string) error {
	var list []note.Verifier
	for _, vkey := range vkeys {
		key, err := note.NewVerifier(vkey)
		if err != nil {
			return fmt.Errorf("a pinned key: %v", err)
		}
		if l.origin == "" {
			l.origin = key.Name()
		}
		if key.Name() != l.origin {
			return errors.New("the pinned keys are of two logs")
		}
		list = append(list, key)
	}
	l.keys = note.VerifierList(list...)
	return nil
}

func (l *log) read(name string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(l.folder, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read", name)
	}
	return raw, nil
}

// openHead verifies a checkpoint: a pinned key's signature, our origin, three lines.
func (l *log) openHead(raw []byte) (head, error) {
	opened, err := note.Open(raw, l.keys)
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return head{}, errors.New("its text is not three lines")
	}
	if lines[0] != l.origin {
		return head{}, errors.New("it is of another origin")
	}
	size, err := number(lines[1])
	if err != nil {
		return head{}, err
	}
	root, err := hash(lines[2])
	return head{size, root}, err
}

// rebuild makes the tree from the entries and compares its root with the head's.
func (l *log) rebuild() error {
	for first := int64(0); first < l.head.size; first += width {
		count := min(width, l.head.size-first)
		leaves, err := l.tile(0, first/width, count)
		if err != nil {
			return err
		}
		name := path("entries", first/width, count)
		raw, err := l.read(name)
		var entries [][]byte
		switch {
		case err == nil:
			if entries, err = split(raw, count); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		case l.redacted:
			entries = make([][]byte, count)
		default:
			return err
		}
		for i, entry := range entries {
			leaf := leaves[i]
			if len(entry) == 0 {
				l.pruned++
			} else if leaf = tlog.RecordHash(entry); leaf != leaves[i] {
				return fmt.Errorf("entry %d does not hash to its leaf", first+int64(i))
			} else {
				l.entries++
			}
			added, err := tlog.StoredHashesForRecordHash(first+int64(i), leaf, l)
			if err != nil {
				return err
			}
			l.stored = append(l.stored, added...)
		}
	}
	root, err := tlog.TreeHash(l.head.size, l)
	if err != nil {
		return err
	}
	if root != l.head.root {
		return errors.New("the leaves do not give the root of the checkpoint")
	}
	return nil
}

// ReadHashes makes the rebuilt tree a tlog.HashReader.
func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(l.stored)) {
			return nil, errors.New("a hash beyond the log is asked for")
		}
		found[i] = l.stored[index]
	}
	return found, nil
}

// checkTiles demands every hash tile of this size, then that no file under tile/ says otherwise.
func (l *log) checkTiles() error {
	expected := make(map[string]bool)
	for level := 0; l.head.size>>(8*level) > 0; level++ {
		hashes := l.head.size >> (8 * level)
		for first := int64(0); first < hashes; first += width {
			count := min(width, hashes-first)
			if err := l.checkTile(level, first/width, count); err != nil {
				return err
			}
			expected[path(strconv.Itoa(level), first/width, count)] = true
		}
	}
	for first := int64(0); first < l.head.size; first += width {
		expected[path("entries", first/width, min(width, l.head.size-first))] = true
	}
	root := filepath.Join(l.folder, "tile")
	return filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(l.folder, file)
		if err != nil || expected[filepath.ToSlash(name)] {
			return err
		}
		return l.checkOlder(filepath.ToSlash(name))
	})
}

// checkTile compares a tile with the rebuilt tree.
func (l *log) checkTile(level int, index, count int64) error {
	found, err := l.tile(level, index, count)
	if err != nil {
		return err
	}
	for i, one := range found {
		stored := tlog.StoredHashIndex(8*level, index*width+int64(i))
		if one != l.stored[stored] {
			return fmt.Errorf("hash %d of %s is not that of the tree", i, path(strconv.Itoa(level), index, count))
		}
	}
	return nil
}

// checkOlder accepts a file that was partial at an earlier size, and no other surplus file.
func (l *log) checkOlder(name string) error {
	kind, index, count, err := parsePath(name)
	if err != nil {
		return err
	}
	if kind == "entries" {
		return l.checkOlderBundle(name, index, count)
	}
	level, _ := strconv.Atoi(kind)
	if index*width+count > l.head.size>>(8*level) {
		return fmt.Errorf("%s lies beyond the size of the log", name)
	}
	return l.checkTile(level, index, count)
}

func (l *log) checkOlderBundle(name string, index, count int64) error {
	if index*width+count > l.head.size {
		return fmt.Errorf("%s lies beyond the size of the log", name)
	}
	raw, err := l.read(name)
	if err != nil {
		return err
	}
	entries, err := split(raw, count)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for i, entry := range entries {
		at := index*width + int64(i)
		if len(entry) > 0 && tlog.RecordHash(entry) != l.stored[tlog.StoredHashIndex(0, at)] {
			return fmt.Errorf("%s: entry %d does not hash to its leaf", name, at)
		}
	}
	return nil
}

// checkEarlier demands that a checkpoint of a former size is a prefix of this log.
func (l *log) checkEarlier(name string) error {
	raw, err := l.read(name)
	if err != nil {
		return err
	}
	found, err := l.openHead(raw)
	if err != nil {
		return err
	}
	if strconv.FormatInt(found.size, 10) != filepath.Base(name) {
		return errors.New("it is of another size than its name says")
	}
	return l.checkPrefix(found)
}

func (l *log) checkPrefix(older head) error {
	if older.size < 1 || older.size > l.head.size {
		return errors.New("its size is not one that the log has had")
	}
	if older == l.head {
		return nil
	}
	if l.proofs {
		return l.checkJoined(older)
	}
	proof, err := tlog.ProveTree(l.head.size, older.size, l)
	if err != nil {
		return err
	}
	if tlog.CheckTree(proof, l.head.size, l.head.root, older.size, older.root) != nil {
		return errors.New("its root is not that of a prefix of the log")
	}
	return nil
}

// checkJoined demands a consistency file from an older head to the newest, where there is no tree.
func (l *log) checkJoined(older head) error {
	name := fmt.Sprintf("consistency/%d-%d.txt", older.size, l.head.size)
	_, hashes, newer, err := l.growth(name)
	if err != nil {
		return err
	}
	if newer != l.head || tlog.CheckTree(hashes, newer.size, newer.root, older.size, older.root) != nil {
		return errors.New("its root is not that of a prefix of the log")
	}
	return nil
}

// checkProof checks a .tlog-proof against its own checkpoint, the entry beside it, and the log.
func (l *log) checkProof(name string) error {
	raw, err := l.read(name)
	if err != nil {
		return err
	}
	lines, signed, err := splitProof(raw)
	if err != nil {
		return err
	}
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return errors.New("it does not begin with its format and an index")
	}
	index, err := number(strings.TrimPrefix(lines[1], "index "))
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(filepath.Base(name), ".tlog-proof")
	if strconv.FormatInt(index, 10) != base {
		return errors.New("it is of another index than its name says")
	}
	hashes, err := hashList(lines[2:])
	if err != nil {
		return err
	}
	proven, err := l.openHead(signed)
	if err != nil {
		return err
	}
	entry, err := l.read(filepath.ToSlash(filepath.Dir(name)) + "/" + base + ".entry")
	if err != nil {
		return err
	}
	if tlog.CheckRecord(hashes, proven.size, proven.root, index, tlog.RecordHash(entry)) != nil {
		return errors.New("the proof does not lead from the entry to the root")
	}
	if l.proofs && strings.HasPrefix(name, "proofs") {
		l.entries++
	}
	return l.checkPrefix(proven)
}

// checkGrowth checks a consistency file from an earlier size of this log to the one it carries.
// Without a tree its hashes are checked with the older head, if there is one (checkJoined).
func (l *log) checkGrowth(name string) error {
	old, hashes, newer, err := l.growth(name)
	if err != nil {
		return err
	}
	if err := l.checkPrefix(newer); err != nil || l.proofs {
		return err
	}
	was, err := tlog.TreeHash(old, l)
	if err != nil {
		return err
	}
	if tlog.CheckTree(hashes, newer.size, newer.root, old, was) != nil {
		return errors.New("the proof does not join the two sizes")
	}
	return nil
}

// growth reads a consistency file: the older size, the hashes, and the verified newer head.
func (l *log) growth(name string) (old int64, hashes []tlog.Hash, newer head, err error) {
	raw, err := l.read(name)
	if err != nil {
		return
	}
	lines, signed, err := splitProof(raw)
	if err != nil {
		return
	}
	if !strings.HasPrefix(lines[0], "old ") {
		err = errors.New("it does not begin with the older size")
		return
	}
	if old, err = number(strings.TrimPrefix(lines[0], "old ")); err != nil {
		return
	}
	if hashes, err = hashList(lines[1:]); err != nil {
		return
	}
	if newer, err = l.openHead(signed); err != nil {
		return
	}
	if filepath.Base(name) != fmt.Sprintf("%d-%d.txt", old, newer.size) {
		err = errors.New("it is of other sizes than its name says")
	} else if old < 1 || old > newer.size {
		err = errors.New("it starts from a size that proves nothing")
	}
	return
}

// tile reads a hash tile of exactly count hashes.
func (l *log) tile(level int, index, count int64) ([]tlog.Hash, error) {
	name := path(strconv.Itoa(level), index, count)
	raw, err := l.read(name)
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) != count*tlog.HashSize {
		return nil, fmt.Errorf("%s is not %d hashes long", name, count)
	}
	found := make([]tlog.Hash, count)
	for i := range found {
		copy(found[i][:], raw[i*tlog.HashSize:])
	}
	return found, nil
}

// split takes an entry bundle apart: a length in two bytes, then the entry.
func split(raw []byte, count int64) ([][]byte, error) {
	var entries [][]byte
	for len(raw) > 0 {
		if len(raw) < 2 || len(raw)-2 < int(binary.BigEndian.Uint16(raw)) {
			return nil, errors.New("the bundle is cut off")
		}
		end := 2 + int(binary.BigEndian.Uint16(raw))
		entries = append(entries, raw[2:end])
		raw = raw[end:]
	}
	if int64(len(entries)) != count {
		return nil, fmt.Errorf("the bundle holds %d entries, not %d", len(entries), count)
	}
	return entries, nil
}

// path is the name of a tile in C2SP's form, which has no height as Go's own has.
func path(kind string, index, count int64) string {
	name := fmt.Sprintf("%03d", index%1000)
	for index >= 1000 {
		index /= 1000
		name = fmt.Sprintf("x%03d/%s", index%1000, name)
	}
	if count < width {
		name += fmt.Sprintf(".p/%d", count)
	}
	return "tile/" + kind + "/" + name
}

// parsePath is the strict inverse of path.
func parsePath(name string) (kind string, index, count int64, err error) {
	bad := fmt.Errorf("%s is no file of a log", name)
	parts := strings.SplitN(name, "/", 3)
	if len(parts) != 3 {
		return "", 0, 0, bad
	}
	digits, partial, cut := strings.Cut(parts[2], ".p/")
	count = width
	if cut {
		if count, err = strconv.ParseInt(partial, 10, 64); err != nil || count < 1 || count >= width {
			return "", 0, 0, bad
		}
	}
	digits = strings.NewReplacer("x", "", "/", "").Replace(digits)
	if index, err = strconv.ParseInt(digits, 10, 54); err != nil || index < 0 {
		return "", 0, 0, bad
	}
	kind = parts[1]
	level, err := strconv.Atoi(kind)
	if kind != "entries" && (err != nil || level < 0 || level > 7) || path(kind, index, count) != name {
		return "", 0, 0, bad
	}
	return kind, index, count, nil
}

// splitProof takes a proof file apart at its first empty line.
func splitProof(raw []byte) (lines []string, signed []byte, err error) {
	at := bytes.Index(raw, []byte("\n\n"))
	if at < 0 {
		return nil, nil, errors.New("it has no empty line before its checkpoint")
	}
	return strings.Split(string(raw[:at]), "\n"), raw[at+2:], nil
}

func hashList(lines []string) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, line := range lines {
		one, err := hash(line)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

func hash(text string) (tlog.Hash, error) {
	found, err := tlog.ParseHash(text)
	if err != nil || base64.StdEncoding.EncodeToString(found[:]) != text {
		return tlog.Hash{}, errors.New("a hash is malformed")
	}
	return found, nil
}

func number(text string) (int64, error) {
	found, err := strconv.ParseInt(text, 10, 64)
	if err != nil || found < 0 || strconv.FormatInt(found, 10) != text {
		return 0, errors.New("a number is malformed")
	}
	return found, nil
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}
