package idp

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
)

// person is somebody one can be.
type person struct {
	Key, Subject, Name, Email, Known string
}

func people() []person {
	return []person{
		{"ada", "user_dev_ada", "Ada Lovelace", "ada@example.com", "wrote the first programme, 1843"},
		{"grace", "user_dev_grace", "Grace Hopper", "grace@example.com", "wrote the first compiler, 1952"},
	}
}

func find(key string) (person, bool) {
	all := people()
	i := slices.IndexFunc(all, func(p person) bool { return p.Key == key })
	if i < 0 {
		return person{}, false
	}
	return all[i], true
}

// accounts says who of the people is disabled, as an administrator's page does. The zero value has nobody disabled.
type accounts struct {
	mu  sync.Mutex
	off map[string]bool
}

func (a *accounts) disabled(key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.off[key]
}

func (a *accounts) set(key string, disabled bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.off == nil {
		a.off = map[string]bool{}
	}
	a.off[key] = disabled
}

// account is a person as the page of the accounts shows them.
type account struct {
	person
	Disabled bool
}

// showPeople is the page on which an administrator disables people and lets them in again.
func (p *Provider) showPeople(w http.ResponseWriter, _ *http.Request) {
	var all []account
	for _, who := range people() {
		all = append(all, account{who, p.accounts.disabled(who.Key)})
	}
	p.page.write(w, http.StatusOK, map[string]any{"Accounts": all})
}

// changePeople takes the page's form.
func (p *Provider) changePeople(w http.ResponseWriter, r *http.Request) {
	disable, enable := r.PostFormValue("disable"), r.PostFormValue("enable")
	who, ok := find(cmp.Or(disable, enable))
	if !ok {
		p.page.fault(w, "Nobody of that name lives here.")
		return
	}
	p.accounts.set(who.Key, disable != "")
	p.log.Info("account changed", "person", who.Name, "disabled", disable != "")
	http.Redirect(w, r, "/people", http.StatusSeeOther)
}
