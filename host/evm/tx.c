// SPDX-License-Identifier: Apache-2.0
#include "evm/tx.h"

#include "evm/keccak.h"

// ---- access lists

int tx_access_encode(const struct tx_access *item, size_t n, uint8_t *buf, size_t size, size_t *n_bytes)
{
    struct rlp_out o = rlp_out_of(buf, size);
    for (size_t i = n; i-- > 0;) {
        size_t pair = rlp_mark(&o);
        for (size_t k = item[i].n_slots; k-- > 0;)
            rlp_put_bytes(&o, item[i].slot[k].b, WORD_BYTES);
        rlp_put_list(&o, pair);
        rlp_put_bytes(&o, item[i].address.b, ADDRESS_BYTES);
        rlp_put_list(&o, pair);
    }
    if (o.bad)
        return -1;
    *n_bytes = rlp_mark(&o);
    if (*n_bytes)
        memmove(buf, o.at, *n_bytes);
    return 0;
}

bool tx_access_next(struct rlp_in *list, struct evm_address *address, struct rlp_in *slots)
{
    if (!rlp_more(list))
        return false;
    struct rlp_in pair = rlp_get_list(list);
    rlp_get_fixed(&pair, address->b, ADDRESS_BYTES);
    *slots = rlp_get_list(&pair);
    return rlp_end(&pair);
}

bool tx_slot_next(struct rlp_in *slots, struct word *slot)
{
    if (!rlp_more(slots))
        return false;
    rlp_get_fixed(slots, slot->b, WORD_BYTES);
    return !*slots->bad;
}

static bool access_is_sound(const uint8_t *payload, size_t n)
{
    bool bad = false;
    struct rlp_in list = rlp_in_of(payload, n, &bad), slots;
    struct evm_address address;
    struct word slot;
    while (tx_access_next(&list, &address, &slots))
        while (tx_slot_next(&slots, &slot))
            ;
    return !bad;
}

// ---- signing

int tx_template_init(struct tx_template *p, const struct tx *t, uint8_t *mem, size_t size, struct err *e)
{
    if (t->type != TX_2930 && t->type != TX_1559)
        return err_set(e, "transaction: type %u is neither 1 (EIP-2930) nor 2 (EIP-1559)", t->type);
    if (!access_is_sound(t->access, t->n_access))
        return err_set(e, "transaction: its access list is not one");
    struct rlp_out o = rlp_out_of(mem, size);
    rlp_put_raw(&o, t->access, t->n_access);
    rlp_put_list(&o, 0);
    rlp_put_bytes(&o, t->data, t->n_data);
    rlp_put_word(&o, &t->value);
    rlp_put_bytes(&o, t->to.b, t->create ? 0 : ADDRESS_BYTES);
    rlp_put_u64(&o, t->gas);
    if (o.bad || rlp_mark(&o) > TX_BYTES_MAX - TX_FRONT_MAX - TX_BACK_MAX)
        return err_set(e, "transaction: %zu bytes of data and %zu of access list are too many", t->n_data,
                       t->n_access);
    *p = (struct tx_template){t->type, t->chain_id, o.at, rlp_mark(&o)};
    return 0;
}

// Fees and nonce, and what cannot be known before the list's length is: put in front of them by put_front.
static bool fees_are_sound(uint8_t type, uint64_t nonce, u128 tip, u128 fee)
{
    return nonce != UINT64_MAX && (type == TX_2930 ? tip == 0 : tip <= fee);
}

static struct rlp_out put_fields(const struct tx_template *p, uint64_t nonce, u128 tip, u128 fee,
                                 uint8_t buf[static TX_FRONT_MAX])
{
    struct rlp_out o = rlp_out_of(buf, TX_FRONT_MAX);
    rlp_put_u128(&o, fee);
    if (p->type == TX_1559)
        rlp_put_u128(&o, tip);
    rlp_put_u64(&o, nonce);
    rlp_put_u64(&o, p->chain_id);
    return o;
}

// The list's header, whose payload has `behind` bytes beside what is in o, and the type.
static void put_front(struct rlp_out *o, uint8_t type, size_t behind)
{
    rlp_put_list_header(o, rlp_mark(o) + behind);
    rlp_put_raw(o, &type, 1);
}

int tx_sign(const struct tx_template *p, const struct private_key *k, uint64_t nonce, u128 tip, u128 fee,
            uint8_t *buf, size_t size, struct tx_signed *out)
{
    if (!fees_are_sound(p->type, nonce, tip, fee))
        return -1;
    uint8_t front_buf[TX_FRONT_MAX], back_buf[TX_BACK_MAX];
    struct rlp_out fields = put_fields(p, nonce, tip, fee, front_buf), front = fields;
    struct keccak hash;
    struct word digest;
    put_front(&front, p->type, p->n_middle);
    keccak_init(&hash);
    keccak_add(&hash, front.at, rlp_mark(&front));
    keccak_add(&hash, p->middle, p->n_middle);
    keccak_end(&hash, &digest);

    struct signature s;
    key_sign(k, &digest, &s);
    struct rlp_out back = rlp_out_of(back_buf, sizeof back_buf);
    rlp_put_word(&back, &s.s);
    rlp_put_word(&back, &s.r);
    rlp_put_u64(&back, s.parity);

    size_t n_back = rlp_mark(&back);
    front = fields;
    put_front(&front, p->type, p->n_middle + n_back);
    size_t n_front = rlp_mark(&front), n = n_front + p->n_middle + n_back;
    if (n > size)
        return -1;
    memcpy(buf, front.at, n_front);
    memcpy(buf + n_front, p->middle, p->n_middle);
    memcpy(buf + n_front + p->n_middle, back.at, n_back);
    out->n = n;
    keccak256(buf, n, &out->hash);
    return 0;
}

// ---- reading

static int read_fields(struct rlp_in *in, struct tx *t)
{
    uint8_t type = t->type;
    size_t n;
    t->chain_id = rlp_get_u64(in);
    t->nonce = rlp_get_u64(in);
    t->tip = type == TX_1559 ? rlp_get_u128(in) : 0;
    t->fee = rlp_get_u128(in);
    t->gas = rlp_get_u64(in);
    const uint8_t *to = rlp_get_bytes(in, &n);
    t->create = n == 0;
    if (n == ADDRESS_BYTES)
        memcpy(t->to.b, to, n);
    else if (n)
        return -1;
    t->value = rlp_get_word(in);
    t->data = rlp_get_bytes(in, &t->n_data);
    struct rlp_in access = rlp_get_list(in);
    t->access = access.p;
    t->n_access = access.left;
    return *in->bad || !access_is_sound(t->access, t->n_access) ||
                   !fees_are_sound(type, t->nonce, t->tip, t->fee)
               ? -1
               : 0;
}

// The signed bytes are those of the fields under a header of their own.
static struct word hash_to_sign(uint8_t type, const uint8_t *fields, size_t n)
{
    uint8_t front[RLP_HEADER_MAX + 1];
    struct rlp_out o = rlp_out_of(front, sizeof front);
    struct keccak k;
    struct word h;
    put_front(&o, type, n);
    keccak_init(&k);
    keccak_add(&k, o.at, rlp_mark(&o));
    keccak_add(&k, fields, n);
    keccak_end(&k, &h);
    return h;
}

int tx_decode(const uint8_t *bytes, size_t n, struct tx_decoded *out, struct err *e)
{
    if (n == 0 || n > TX_BYTES_MAX || (bytes[0] != TX_2930 && bytes[0] != TX_1559))
        return err_set(e, "no transaction of type 1 (EIP-2930) or 2 (EIP-1559), or longer than %d bytes",
                       TX_BYTES_MAX);
    bool bad = false;
    struct rlp_in whole = rlp_in_of(bytes + 1, n - 1, &bad), in = rlp_get_list(&whole);
    const uint8_t *fields = in.p;
    memset(out, 0, sizeof *out);
    out->tx.type = bytes[0];
    if (!rlp_end(&whole) || read_fields(&in, &out->tx))
        return err_set(e, "transaction: its fields are not those of type %u", bytes[0]);
    size_t n_fields = (size_t)(in.p - fields);
    uint64_t parity = rlp_get_u64(&in);
    out->signature.r = rlp_get_word(&in);
    out->signature.s = rlp_get_word(&in);
    if (!rlp_end(&in) || parity > 1)
        return err_set(e, "transaction: what follows its fields is no signature");
    out->signature.parity = (uint8_t)parity;
    out->signing_hash = hash_to_sign(bytes[0], fields, n_fields);
    keccak256(bytes, n, &out->hash);
    return 0;
}

int tx_sender(const struct tx_decoded *d, struct evm_address *out)
{
    return signature_signer(&d->signature, &d->signing_hash, out);
}
