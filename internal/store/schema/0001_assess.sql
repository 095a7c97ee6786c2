-- +goose Up

-- One row a layer, by the verified digest of its bytes as stored.
create table layer (
    id {{id}},
    digest {{bytes}} not null unique,
    size bigint not null
);

-- What one analyser version found in a layer (see package packed).
create table contents (
    layer_id bigint not null references layer(id) on delete cascade,
    analyser int not null,
    body {{bytes}} not null,
    primary key (layer_id, analyser)
);

-- The effective package set of images; equal sets are one row.
create table inventory (
    id {{id}},
    hash {{bytes}} not null unique,
    distribution {{json}} not null
);

create table package (
    id {{id}},
    hash {{bytes}} not null unique,    -- of what identifies it (see packages.go)
    ecosystem text not null,
    name text not null,
    version text not null,
    arch text not null,
    source text not null,
    source_version text not null,
    module text not null,
    advisory_name text not null,       -- the name by which advisories speak of it
    wanted bigint not null default 1,  -- matching is due while matched < wanted
    matched bigint not null default 0
);
create index package_advisory_name on package(ecosystem, advisory_name);

create table inventory_package (
    inventory_id bigint not null references inventory(id) on delete cascade,
    package_id bigint not null references package(id),
    owned smallint not null,           -- 1: an operating system package installed it; listed, not matched
    primary key (inventory_id, package_id)
) {{clustered}};
create index inventory_package_package on inventory_package(package_id);

-- One row a manifest, fleet-wide by digest. Description is seaworthy.Image as
-- JSON; placement is where its packages lie and its gaps (see package packed).
create table image (
    id {{id}},
    digest {{bytes}} not null unique,
    description {{json}} not null,
    inventory_id bigint not null references inventory(id),
    analyser int not null,
    placement {{bytes}} not null,
    assessed_at bigint not null
);
create index image_inventory on image(inventory_id);

create table image_layer (
    image_id bigint not null references image(id) on delete cascade,
    ordinal int not null,
    layer_id bigint not null references layer(id),
    primary key (image_id, ordinal)
) {{clustered}};
create index image_layer_layer on image_layer(layer_id);

-- One row a source and ecosystem family; kev and epss have the family ''.
create table feed (
    id {{id}},
    source text not null,
    ecosystem text not null,
    url text not null,
    whole int not null,                -- 1 once the whole set was read, 0 while single records were imported
    records bigint not null,
    withdrawn bigint not null,
    skipped bigint not null,
    newest_at bigint not null,
    updated_at bigint not null,
    unique (source, ecosystem)
);

create table advisory (
    id {{id}},
    feed_id bigint not null references feed(id) on delete cascade,
    key text not null,
    modified_at bigint not null,
    withdrawn_at bigint not null,      -- 0 unless withdrawn; then it has no affected rows
    hash {{bytes}} not null,           -- of all of it, and of what matching reads (see record.go)
    header {{bytes}} not null,         -- all that a listing shows, as match writes it
    unique (feed_id, key)
);
create index advisory_key on advisory(key);
create index advisory_withdrawn on advisory(feed_id) where withdrawn_at > 0;

-- The record without what it affects (JSON, zstd). Apart from the header, so
-- that listings, which read thousands of these, find many on one page.
create table advisory_body (
    advisory_id bigint primary key references advisory(id) on delete cascade,
    body {{bytes}} not null
);

-- What an advisory says of one package name in one ecosystem.
create table affected (
    advisory_id bigint not null references advisory(id) on delete cascade,
    ordinal int not null,
    ecosystem text not null,
    name text not null,
    detail {{bytes}} not null,         -- ranges, versions, ratings, urgency, binaries (see package packed)
    primary key (advisory_id, ordinal)
);
create index affected_name on affected(ecosystem, name);

-- Package × advisory, once, for all images. Detail is seaworthy.Finding (see
-- package packed): a listing reads ten thousand of them.
create table finding (
    package_id bigint not null references package(id) on delete cascade,
    advisory_id bigint not null references advisory(id) on delete cascade,
    detail {{bytes}} not null,
    primary key (package_id, advisory_id)
) {{clustered}};
create index finding_advisory on finding(advisory_id);

-- What a later program must know of the one before.
create table setting (
    name text primary key,
    value text not null
);

create table kev (
    cve text primary key,
    detail {{json}} not null
);

-- Exploit probabilities of a thousand consecutive CVE numbers (see epss.go).
create table epss (
    block text primary key,
    body {{bytes}} not null
);
