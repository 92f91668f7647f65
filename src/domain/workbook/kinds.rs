//! What each kind of list has: its fields, what their columns are called, what must be there, what is compared.

use std::sync::LazyLock;

use super::{Field, Kind, RefusedClass, WarningClass};

/// Labels of one meaning. A label counts when it is put together of these words and at least one of them is a head:
/// without accents, case, spaces, digits, signs and what stands in brackets.
pub struct Labels {
    pub field: Field,
    /// A field's columns are those of its lowest rank that a header has: where nothing is called a code, a card's
    /// number is one.
    pub rank: u8,
    heads: Vec<&'static str>,
    others: Vec<&'static str>,
}

impl Labels {
    pub fn match_key(&self, key: &str) -> bool {
        self.spell(key, false)
    }

    fn spell(&self, key: &str, has_head: bool) -> bool {
        if key.is_empty() {
            return has_head;
        }
        self.heads.iter().any(|word| key.strip_prefix(word).is_some_and(|rest| self.spell(rest, true)))
            || self.others.iter().any(|word| key.strip_prefix(word).is_some_and(|rest| self.spell(rest, has_head)))
    }
}

/// A kind of list.
pub struct Spec {
    pub kind: Kind,
    /// The field that names a row.
    pub key: Field,
    /// In the order in which records show them.
    pub fields: &'static [Field],
    /// Fields that can be read only in a row about somebody.
    pub evidence: &'static [Field],
    /// What a repeated row may say differently.
    pub compared: &'static [Field],
    pub labels: Vec<Labels>,
    /// Fields without which a row is refused, and those that refuse it when they cannot be read, in order.
    pub required: &'static [(Field, Option<RefusedClass>, Option<RefusedClass>)],
}

impl Spec {
    pub fn of(kind: Kind) -> &'static Self {
        static SPECS: LazyLock<[Spec; 4]> = LazyLock::new(|| [registry(), agencies(), staff(), applications()]);
        match kind {
            Kind::Registry => &SPECS[0],
            Kind::Agencies => &SPECS[1],
            Kind::Staff => &SPECS[2],
            Kind::Applications => &SPECS[3],
        }
    }

    pub fn has(&self, field: Field) -> bool {
        self.fields.contains(&field)
    }

    /// Whether a column can carry it.
    pub fn has_column(&self, field: Field) -> bool {
        self.has(field) || (field == Field::OnlyYear && self.has(Field::BirthDate))
    }
}

/// The warning for a field that could not be read, in a row that is taken without it.
pub fn unread(field: Field) -> Option<WarningClass> {
    match field {
        Field::Sex => Some(WarningClass::BadSex),
        Field::IdNumber => Some(WarningClass::BadIdNumber),
        Field::Phone => Some(WarningClass::BadPhone),
        Field::HouseholdCode => Some(WarningClass::BadHouseholdCode),
        Field::RelationCode => Some(WarningClass::BadRelation),
        Field::Email => Some(WarningClass::BadEmail),
        _ => None,
    }
}

/// Words that say whose it is, and mean the person of the row.
const PERSON: &str = "cua nguoi nguoithamgia thamgia thanhvien ntg nguoilaodong nld congdan canhan nguoidangky dangky \
    nguoikekhai kekhai nguoidan khachhang doituong nguoihuong nguoiduoccap neuco batbuoc";

const OFFICER: &str = "canbo cb nhanvien vienchuc congchuc nguoidung chuyenvien";

fn labels(field: Field, rank: u8, heads: &'static str, others: &[&'static str]) -> Labels {
    Labels {
        field,
        rank,
        heads: heads.split_whitespace().collect(),
        others: others.iter().flat_map(|words| words.split_whitespace()).collect(),
    }
}

fn of_code() -> [Labels; 3] {
    let papers = "socccd sodinhdanh sodinhdanhcanhan soddcn cccd ddcn madinhdanh madinhdanhcanhan cancuoc socancuoc \
        cancuoccongdan";
    let heads = "masobhxh mabhxh masobaohiemxahoi mabaohiemxahoi sobhxh sobaohiemxahoi msbhxh masobaohiem \
        mabaohiem masobh madinhdanhbhxh sodinhdanhbhxh masothamgiabhxh bhxhcode bhxhno bhxhnumber \
        masobhxhso masobhxhchuso socialinsurancecode socialinsurancenumber socialinsuranceno socialinsuranceid socialsecuritynumber";
    [
        labels(
            Field::Code,
            0,
            heads,
            &[PERSON, papers, "bhyt bhtn thebhyt sothebhyt mathebhyt hoac va moi dacap duoccap"],
        ),
        labels(
            Field::Code,
            1,
            "sothebhyt mathebhyt masothebhyt thebhyt sothebaohiemyte mathebaohiemyte masothebaohiemyte thebaohiemyte \
             sobhyt mabhyt masobhyt",
            &[PERSON, "bhxh moi"],
        ),
        labels(Field::Code, 2, "maso sosobhxh sosobaohiemxahoi sobhxhcu", &[PERSON]),
    ]
}

fn of_name() -> [Labels; 2] {
    let heads = "hoten hovaten hochudemten hochudemvaten hotendemten hotendemvaten hovatendemvaten hovachudemvaten \
        hodemten hodemvaten tenthanhvien tennguoithamgia tennguoilaodong tennguoidangky tennguoikekhai tennguoi fullname";
    [
        labels(
            Field::Name,
            0,
            heads,
            &[PERSON, OFFICER, "bhxh bhyt trong ho hogiadinh khaisinh daydu inhoa chuinhoa vietinhoa codau"],
        ),
        labels(Field::Name, 1, "ten name tencanbo tennhanvien", &[PERSON, OFFICER]),
    ]
}

fn of_birth_date() -> [Labels; 3] {
    let heads =
        "ngaysinh ngaythangnamsinh ngaythangsinh ngaynamsinh sinhngay ntns ntnsinh dob dateofbirth birthdate birthday";
    [
        labels(Field::BirthDate, 0, heads, &[PERSON, "namsinh thangnamsinh hoac va ddmmyyyy"]),
        labels(Field::BirthDate, 1, "namsinh sinhnam yearofbirth birthyear", &[PERSON]),
        labels(Field::OnlyYear, 0, "chibietnamsinh chiconamsinh chinamsinh chiconam chibietnam", &["danhdau neu x"]),
    ]
}

fn of_sex() -> [Labels; 2] {
    [
        labels(Field::Sex, 0, "gioitinh phai gioi namnu nunam gender sex", &[PERSON, "nam nu hoac hay la male female"]),
        labels(Field::Sex, 1, "nu lanu nugioi gt", &[PERSON, "danhdau neu x"]),
    ]
}

fn of_id_number() -> Labels {
    let heads = "cmnd cmtnd cmt cccd cancuoccongdan cancuoc chungminhnhandan chungminhthu chungminh dinhdanhcanhan \
        dinhdanh ddcn giaytotuythan hochieu passport idnumber idno identitycard identitynumber identityno idcard \
        nationalid personalid citizenid";
    let others = "so the ma giayto giay tuythan hoac va number no gks khaisinh cc";
    labels(Field::IdNumber, 0, heads, &[PERSON, others])
}

fn of_phone() -> Labels {
    let heads = "sdt sodt sodienthoai dienthoai didong sodidong dtdd sodtdd dt solienhe solienlac phone mobile cellphone telephone tel";
    labels(Field::Phone, 0, heads, &[PERSON, OFFICER, "so lienhe lienlac nhantin zalo number no"])
}

fn of_email() -> Labels {
    let others = "diachi lienhe lienlac dientu congvu hop e";
    labels(Field::Email, 0, "email mail thudientu hopthu gmail", &[PERSON, OFFICER, others])
}

fn of_address() -> [Labels; 2] {
    let others = "lienhe lienlac hiennay hientai cutru nhanthu nhanketqua nhanhoso daydu chitiet sinhsong tamtru";
    [
        labels(Field::Address, 0, "diachi noio choo address", &[PERSON, others]),
        labels(Field::Address, 1, "thuongtru hokhau hktt noicutru", &[PERSON, others, "diachi noi dangky so theo"]),
    ]
}

fn of_agency(rank: u8) -> Labels {
    let heads = "coquan cqbhxh macq macqbhxh donvi agency office bhxhcoso bhxhtiepnhan noitiepnhan noinophoso \
        coquanbaohiemxahoi";
    let others =
        "bhxh baohiemxahoi ma ten so congtac lamviec quanly tiepnhan nhan nop noi hoso giaiquyet dangky code name";
    labels(Field::AgencyCode, rank, heads, &[others])
}

fn registry() -> Spec {
    let mut known = Vec::new();
    known.extend(of_code());
    known.extend(of_name());
    known.extend(of_birth_date());
    known.extend(of_sex());
    known.extend([of_id_number(), of_phone(), of_email()]);
    // Where the household lives is told in many columns; the one that is called just the address is the person's.
    known.extend(of_address().into_iter().filter(|labels| labels.rank == 0));
    let household = "masohogiadinh mahogiadinh masoho maho masohgd mahgd mahogd masohogd householdcode householdid \
        householdnumber householdno";
    known.push(labels(Field::HouseholdCode, 0, household, &[PERSON, "bhxh"]));
    known.push(labels(
        Field::HouseholdCode,
        1,
        "sohogiadinh sohgd sohogd soho hogiadinh hogd hgd household",
        &[PERSON],
    ));
    let whose = "voi chuho ch cua vs thanhvien ma ten trong so la";
    known.push(labels(
        Field::RelationCode,
        0,
        "quanhe moiquanhe mqh qh relation relationship",
        &[PERSON, whose, "ho hogiadinh giadinh withhead tohead ofhousehold withheadofhousehold toheadofhousehold"],
    ));
    Spec {
        kind: Kind::Registry,
        key: Field::Code,
        fields: &[
            Field::Code,
            Field::Name,
            Field::BirthDate,
            Field::Sex,
            Field::IdNumber,
            Field::RelationCode,
            Field::HouseholdCode,
            Field::Phone,
            Field::Email,
            Field::Address,
        ],
        evidence: &[Field::BirthDate, Field::Sex, Field::IdNumber, Field::RelationCode, Field::Phone],
        compared: &[
            Field::HouseholdCode,
            Field::RelationCode,
            Field::Phone,
            Field::IdNumber,
            Field::Email,
            Field::Address,
        ],
        labels: known,
        required: &[
            (Field::Code, Some(RefusedClass::MissingCode), Some(RefusedClass::BadCode)),
            (Field::Name, Some(RefusedClass::MissingName), Some(RefusedClass::MissingName)),
            (Field::BirthDate, None, Some(RefusedClass::BadDate)),
        ],
    }
}

fn applications() -> Spec {
    let mut known = Vec::new();
    known.extend(of_code());
    known.extend(of_name());
    known.extend(of_birth_date());
    known.extend(of_sex());
    known.extend([of_id_number(), of_phone(), of_email()]);
    known.extend(of_address());
    known.push(labels(Field::IdNumber, 1, "sogiayto", &[PERSON]));
    known.push(of_agency(0));
    Spec {
        kind: Kind::Applications,
        key: Field::Code,
        fields: &[
            Field::Code,
            Field::Name,
            Field::BirthDate,
            Field::Sex,
            Field::IdNumber,
            Field::Phone,
            Field::Email,
            Field::Address,
            Field::AgencyCode,
        ],
        evidence: &[Field::BirthDate, Field::Sex, Field::IdNumber, Field::Phone],
        compared: &[Field::Phone, Field::IdNumber, Field::Email, Field::Address, Field::AgencyCode],
        labels: known,
        required: &[
            (Field::Code, Some(RefusedClass::MissingCode), Some(RefusedClass::BadCode)),
            (Field::Name, Some(RefusedClass::MissingName), Some(RefusedClass::MissingName)),
            (Field::BirthDate, None, Some(RefusedClass::BadDate)),
            (Field::IdNumber, Some(RefusedClass::MissingIdNumber), Some(RefusedClass::BadIdNumber)),
            (Field::Phone, Some(RefusedClass::MissingPhone), Some(RefusedClass::BadPhone)),
            (Field::AgencyCode, Some(RefusedClass::UnknownAgency), Some(RefusedClass::UnknownAgency)),
        ],
    }
}

fn staff() -> Spec {
    let login =
        "tendangnhap tendn taikhoan tentaikhoan username user userid login loginname tentruycap account accountname";
    let mut known = vec![
        labels(Field::Login, 0, login, &[OFFICER, PERSON, "dangnhap hethong truycap ten sudung id"]),
        labels(Field::Login, 1, "tennguoidung nguoidung nguoisudung", &[]),
    ];
    known.extend(of_name());
    known.push(labels(Field::Name, 2, "canbo nhanvien", &[]));
    let of_role = "nguoidung hethong truycap sudung trong taikhoan canbo nhom";
    known.push(labels(Field::Role, 0, "vaitro quyen phanquyen nhomquyen nhomnguoidung role", &[of_role]));
    known.push(labels(Field::Role, 1, "chucvu chucdanh nhiemvu", &[of_role]));
    known.extend([of_agency(0), of_email()]);
    Spec {
        kind: Kind::Staff,
        key: Field::Login,
        fields: &[Field::Login, Field::Name, Field::Role, Field::AgencyCode, Field::Email],
        evidence: &[Field::Role, Field::AgencyCode, Field::Email],
        compared: &[Field::Role, Field::AgencyCode, Field::Email],
        labels: known,
        required: &[
            (Field::Login, Some(RefusedClass::MissingLogin), Some(RefusedClass::BadCode)),
            (Field::Name, Some(RefusedClass::MissingName), Some(RefusedClass::MissingName)),
            (Field::Role, Some(RefusedClass::BadRole), Some(RefusedClass::BadRole)),
            (Field::AgencyCode, Some(RefusedClass::UnknownAgency), Some(RefusedClass::UnknownAgency)),
        ],
    }
}

fn agencies() -> Spec {
    let body = "coquan bhxh baohiemxahoi donvi cq so";
    let known = vec![
        labels(Field::Code, 0, "macoquan madonvi macq macqbhxh masocoquan masodonvi agencycode officecode", &[body]),
        labels(Field::Code, 1, "ma maso mabhxh masobhxh code", &[]),
        labels(Field::Name, 0, "tencoquan tendonvi tencq tencqbhxh tenbhxh agencyname officename", &[body]),
        labels(Field::Name, 1, "ten name coquan donvi bhxh", &[body]),
        labels(
            Field::ParentCode,
            0,
            "captren tructhuoc quanly chuquan capquanly parent parentcode",
            &[body, "ma ten code maso cha truc tiep"],
        ),
        labels(Field::ParentCode, 1, "macha coquancha donvicha macoquancha madonvicha", &[]),
        labels(Field::ProvinceCode, 0, "matinh masotinh provincecode", &["thanhpho tp thanh"]),
        labels(Field::ProvinceCode, 1, "tinh tentinh province", &["thanhpho tp thanh"]),
        labels(
            Field::ValidFrom,
            0,
            "hieuluctu hieuluctungay ngayhieuluc ngayhieuluctu ngaycohieuluc cohieuluctu cohieuluctungay tungay hieuluc validfrom \
             effectivefrom effectivedate ngaybatdau batdautu batdautungay ngayapdung apdungtu apdungtungay",
            &["hieuluc ke"],
        ),
    ];
    Spec {
        kind: Kind::Agencies,
        key: Field::Code,
        fields: &[Field::Code, Field::Name, Field::ParentCode, Field::ProvinceCode, Field::ValidFrom],
        evidence: &[Field::ParentCode, Field::ProvinceCode, Field::ValidFrom],
        compared: &[Field::ParentCode, Field::ProvinceCode, Field::ValidFrom],
        labels: known,
        required: &[
            (Field::Code, Some(RefusedClass::MissingCode), Some(RefusedClass::BadCode)),
            (Field::Name, Some(RefusedClass::MissingName), Some(RefusedClass::MissingName)),
            (Field::ValidFrom, None, Some(RefusedClass::BadDate)),
        ],
    }
}
