//! Reading a declaration (tờ khai mẫu 01) from what was typed: every fault at once, each beside its field.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::application::{Declaration, Guardian, Sex};
use super::dates::{BirthDate, parse_date, show_date};
use super::names::Name;
use super::numbers::{Email, IdNumber, Phone, SocialCode};
use super::places;
use super::text::{self, FieldError};

/// A declaration as it was typed. The fields are named as in the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Typed {
    pub code: String,
    pub name: String,
    pub birth_date: String,
    pub sex: String,
    pub id_number: String,
    pub id_issued_on: String,
    pub id_issued_by: String,
    pub phone: String,
    pub email: String,
    pub address: String,
    pub province_code: String,
    pub commune: String,
    pub guardian_name: String,
    pub guardian_code: String,
    pub guardian_phone: String,
    pub guardian_email: String,
    pub guardian_relation: String,
}

/// What is wrong, by field.
pub type Faults = Vec<(&'static str, FieldError)>;

/// Until this age a declaration may be made through a guardian, with a birth certificate instead of an ID.
pub const ADULT_AGE: i32 = 18;

impl Typed {
    /// As somebody would type it again.
    pub fn of(declaration: &Declaration) -> Self {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let guardian = declaration.guardian.as_ref();
        let commune = declaration.commune_code.as_deref().and_then(places::commune_name);
        Self {
            code: declaration.code.to_string(),
            name: declaration.name.as_str().to_owned(),
            birth_date: declaration.birth_date.as_ref().map(BirthDate::to_string).unwrap_or_default(),
            sex: text(declaration.sex.map(Sex::code)),
            id_number: text(declaration.id_number.as_ref().map(IdNumber::as_str)),
            id_issued_on: declaration.id_issued_on.map(show_date).unwrap_or_default(),
            id_issued_by: text(declaration.id_issued_by.as_deref()),
            phone: declaration.phone.to_string(),
            email: text(declaration.email.as_ref().map(Email::as_str)),
            address: text(declaration.address.as_deref()),
            province_code: text(declaration.province_code.as_deref()),
            commune: text(commune),
            guardian_name: text(guardian.map(|guardian| guardian.name.as_str())),
            guardian_code: text(guardian.and_then(|guardian| guardian.code.as_ref()).map(SocialCode::as_str)),
            guardian_phone: text(guardian.map(|guardian| guardian.phone.as_str())),
            guardian_email: text(guardian.and_then(|guardian| guardian.email.as_ref()).map(Email::as_str)),
            guardian_relation: text(guardian.and_then(|guardian| guardian.relation.as_deref())),
        }
    }

    /// # Errors
    /// Everything that is wrong, in the order of the form.
    pub fn parse(&self, today: NaiveDate) -> Result<Declaration, Faults> {
        let mut faults = Faults::new();
        let faults = &mut faults;
        let code = need(faults, "code", SocialCode::parse(&self.code));
        let name = need(faults, "name", Name::parse(&self.name));
        let birth_date = need(faults, "birth_date", BirthDate::parse(&self.birth_date, today));
        let sex = need(faults, "sex", Sex::from_code(&self.sex).ok_or_else(|| FieldError::new("Chọn giới tính.")));
        let id_number = optional(faults, "id_number", &self.id_number, IdNumber::parse);
        let id_issued_on = need(faults, "id_issued_on", past_date(&self.id_issued_on, today)).flatten();
        let id_issued_by = need(faults, "id_issued_by", text::line(&self.id_issued_by, 100)).flatten();
        let phone = need(faults, "phone", Phone::parse(&self.phone));
        let email = optional(faults, "email", &self.email, Email::parse);
        let address = need(faults, "address", text::line(&self.address, 200)).flatten();
        let province_code = self.province(faults);
        let commune_code = self.commune(faults, province_code.as_deref());
        let guardian = self.guardian(faults);
        if let (Some(own), Some(guardian)) = (&code, guardian.as_ref().and_then(|guardian| guardian.code.as_ref()))
            && own == guardian
        {
            faults.push(("guardian_code", FieldError::new("Người giám hộ phải là người khác.")));
        }
        if let (Some(birth_date), true) = (&birth_date, faults.iter().all(|(field, _)| *field != "id_number")) {
            let minor = birth_date.is_under(ADULT_AGE, today);
            if guardian.is_some() && !minor {
                let sentence = format!("Người từ đủ {ADULT_AGE} tuổi tự kê khai. Hãy xóa phần người giám hộ.");
                faults.push(("guardian_name", FieldError::new(sentence)));
            } else if id_number.is_none() && !(minor && guardian.is_some()) {
                let sentence =
                    "Bắt buộc nhập; chỉ người dưới 18 tuổi có người giám hộ mới được để trống (dùng giấy khai sinh).";
                faults.push(("id_number", FieldError::new(sentence)));
            }
        }
        match (code, name, birth_date, sex, phone, faults.is_empty()) {
            (Some(code), Some(name), Some(birth_date), Some(sex), Some(phone), true) => Ok(Declaration {
                code,
                name,
                birth_date: Some(birth_date),
                sex: Some(sex),
                id_number,
                id_issued_on,
                id_issued_by,
                phone,
                email,
                address,
                province_code,
                commune_code,
                guardian,
            }),
            _ => Err(std::mem::take(faults)),
        }
    }

    fn province(&self, faults: &mut Faults) -> Option<String> {
        if self.province_code.is_empty() {
            return None;
        }
        let known = places::province_name(&self.province_code).map(|_| self.province_code.clone());
        need(faults, "province_code", known.ok_or_else(|| FieldError::new("Chọn một tỉnh, thành phố trong danh sách.")))
    }

    fn commune(&self, faults: &mut Faults, province: Option<&str>) -> Option<String> {
        let typed = need(faults, "commune", text::line(&self.commune, 100)).flatten()?;
        let Some(province) = province else {
            faults.push(("commune", FieldError::new("Chọn tỉnh, thành phố trước khi nhập xã, phường.")));
            return None;
        };
        let found = places::find_commune(province, &typed).map(|commune| commune.code.to_owned());
        let unknown =
            || FieldError::new(format!("Không có xã, phường «{typed}» trong tỉnh đã chọn. Hãy chọn theo gợi ý."));
        need(faults, "commune", found.ok_or_else(unknown))
    }

    fn guardian(&self, faults: &mut Faults) -> Option<Guardian> {
        let fields = [
            &self.guardian_name,
            &self.guardian_code,
            &self.guardian_phone,
            &self.guardian_email,
            &self.guardian_relation,
        ];
        if fields.iter().all(|field| field.trim().is_empty()) {
            return None;
        }
        let name = need(faults, "guardian_name", Name::parse(&self.guardian_name));
        let code = optional(faults, "guardian_code", &self.guardian_code, SocialCode::parse);
        let phone = need(faults, "guardian_phone", Phone::parse(&self.guardian_phone));
        let email = optional(faults, "guardian_email", &self.guardian_email, Email::parse);
        let relation = optional(faults, "guardian_relation", &self.guardian_relation, |code| {
            let known = places::relation_name(code).map(|_| code.to_owned());
            known.ok_or_else(|| FieldError::new("Chọn quan hệ trong danh sách."))
        });
        Some(Guardian { name: name?, code, phone: phone?, email, relation })
    }
}

fn need<T>(faults: &mut Faults, field: &'static str, parsed: Result<T, FieldError>) -> Option<T> {
    parsed.map_err(|fault| faults.push((field, fault))).ok()
}

fn optional<T>(
    faults: &mut Faults,
    field: &'static str,
    typed: &str,
    parse: impl FnOnce(&str) -> Result<T, FieldError>,
) -> Option<T> {
    if typed.trim().is_empty() { None } else { need(faults, field, parse(typed)) }
}

fn past_date(typed: &str, today: NaiveDate) -> Result<Option<NaiveDate>, FieldError> {
    match parse_date(typed)? {
        Some(date) if date > today => Err(FieldError::new("Ngày cấp không thể ở tương lai.")),
        date => Ok(date),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
    }

    fn adult() -> Typed {
        Typed {
            code: "9900000001".into(),
            name: "Trần Thị Bích Ngọc".into(),
            birth_date: "05/03/1990".into(),
            sex: "female".into(),
            id_number: "999190000001".into(),
            phone: "0951234567".into(),
            ..Typed::default()
        }
    }

    fn faulty(typed: &Typed) -> Vec<&'static str> {
        typed.parse(today()).unwrap_err().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn every_fault_is_told_at_once() {
        assert_eq!(faulty(&Typed::default()), ["code", "name", "birth_date", "sex", "phone"]);
        let typed = Typed { phone: "12".into(), email: "x".into(), commune: "Ba Đình".into(), ..adult() };
        assert_eq!(faulty(&typed), ["phone", "email", "commune"]);
    }

    #[test]
    fn an_adult_needs_papers_and_no_guardian() {
        assert!(adult().parse(today()).is_ok());
        assert_eq!(faulty(&Typed { id_number: String::new(), ..adult() }), ["id_number"]);
        let guarded = Typed { guardian_name: "Trần Văn An".into(), guardian_phone: "0951234568".into(), ..adult() };
        assert_eq!(faulty(&guarded), ["guardian_name"]);
    }

    #[test]
    fn a_minor_may_come_with_a_guardian_and_without_papers() {
        let alone = Typed { birth_date: "05/03/2015".into(), id_number: String::new(), ..adult() };
        assert_eq!(faulty(&alone), ["id_number"]);
        let guarded =
            Typed { guardian_name: "Trần Văn An".into(), guardian_phone: "0951234568".into(), ..alone.clone() };
        let declaration = guarded.parse(today()).unwrap();
        assert_eq!(declaration.guardian.unwrap().phone.as_str(), "0951234568");
        assert_eq!(
            faulty(&Typed { guardian_email: "a@example.com".into(), ..alone }),
            ["guardian_name", "guardian_phone", "id_number"]
        );
    }

    #[test]
    fn a_commune_is_found_within_its_province() {
        let typed = Typed { province_code: "01".into(), commune: "ba dinh".into(), ..adult() };
        assert!(typed.parse(today()).unwrap().commune_code.is_some());
        assert_eq!(faulty(&Typed { commune: "Đâu đó".into(), ..typed }), ["commune"]);
    }
}
