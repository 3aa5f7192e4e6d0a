//! Sentences in six scripts, put together from words of our own.

/// A language and the parts of its sentences, in the order in which they stand.
pub struct Tongue {
    /// BCP 47 tag.
    pub tag: &'static str,
    parts: [&'static [&'static str]; 4],
    glue: &'static str,
    end: &'static str,
}

/// English, Arabic, Bengali, Korean, Chinese, Greek.
pub const TONGUES: [Tongue; 6] = [
    Tongue {
        tag: "en",
        parts: [
            &[
                "Every neighbour",
                "A good teacher",
                "My grandmother",
                "The whole village",
                "Nobody",
                "Each young worker",
            ],
            &[
                "would gladly share",
                "often forgets",
                "should look after",
                "rarely praises",
                "quietly mends",
                "must pay for",
            ],
            &[
                "the old bridge",
                "a warm supper",
                "the garden of others",
                "honest work",
                "a borrowed book",
                "the river bank",
            ],
            &[
                "before the harvest",
                "in hard times",
                "without being asked",
                "for the sake of peace",
                "on market days",
                "when the rain comes",
            ],
        ],
        glue: " ",
        end: ".",
    },
    Tongue {
        tag: "ar",
        parts: [
            &["كل جار", "المعلم الصالح", "جدتي", "أهل القرية", "العامل الشاب", "صديق أخي"],
            &["يشارك بسرور", "ينسى أحيانا", "يعتني بإخلاص", "يمدح قليلا", "يصلح بهدوء", "يحفظ دائما"],
            &[
                "الجسر القديم",
                "عشاء دافئا",
                "حديقة الآخرين",
                "عملا شريفا",
                "كتابا مستعارا",
                "ضفة النهر",
            ],
            &[
                "قبل الحصاد",
                "في الأوقات الصعبة",
                "دون أن يطلب أحد",
                "من أجل السلام",
                "في أيام السوق",
                "عندما يهطل المطر",
            ],
        ],
        glue: " ",
        end: ".",
    },
    Tongue {
        tag: "bn",
        parts: [
            &["প্রত্যেক প্রতিবেশী", "ভালো শিক্ষক", "আমার দাদি", "পুরো গ্রাম", "তরুণ শ্রমিক", "আমার বন্ধু"],
            &["ফসলের আগে", "কঠিন সময়ে", "না চাইতেই", "শান্তির জন্য", "হাটের দিনে", "বৃষ্টি এলে"],
            &["পুরোনো সেতুটি", "গরম রাতের খাবার", "অন্যের বাগান", "সৎ কাজ", "ধার করা বই", "নদীর পাড়"],
            &[
                "খুশি মনে ভাগ করে",
                "প্রায়ই ভুলে যায়",
                "যত্ন করে রাখে",
                "চুপচাপ মেরামত করে",
                "সবসময় মনে রাখে",
                "কমই প্রশংসা করে",
            ],
        ],
        glue: " ",
        end: "।",
    },
    Tongue {
        tag: "ko",
        parts: [
            &[
                "이웃은 누구나",
                "좋은 선생님은",
                "우리 할머니는",
                "온 마을이",
                "젊은 일꾼은",
                "내 친구는",
            ],
            &[
                "추수 전에",
                "어려운 때에",
                "부탁받지 않아도",
                "평화를 위해",
                "장날마다",
                "비가 오면",
            ],
            &[
                "오래된 다리를",
                "따뜻한 저녁을",
                "남의 정원을",
                "정직한 일을",
                "빌린 책을",
                "강둑을",
            ],
            &[
                "기꺼이 나눈다",
                "자주 잊는다",
                "정성껏 돌본다",
                "조용히 고친다",
                "늘 기억한다",
                "좀처럼 칭찬하지 않는다",
            ],
        ],
        glue: " ",
        end: ".",
    },
    Tongue {
        tag: "zh",
        parts: [
            &["每位邻居", "好老师", "我的奶奶", "全村人", "年轻的工人", "我的朋友"],
            &[
                "在收获之前",
                "在困难的时候",
                "不用别人开口",
                "为了和睦",
                "在赶集的日子",
                "下雨的时候",
            ],
            &["乐意分享", "常常忘记", "细心照看", "悄悄修好", "总是记得", "很少称赞"],
            &["那座旧桥", "热腾腾的晚饭", "别人的园子", "正直的劳动", "借来的书", "河岸"],
        ],
        glue: "",
        end: "。",
    },
    Tongue {
        tag: "el",
        parts: [
            &[
                "Κάθε γείτονας",
                "Ο καλός δάσκαλος",
                "Η γιαγιά μου",
                "Όλο το χωριό",
                "Ο νέος εργάτης",
                "Η φίλη μου",
            ],
            &[
                "μοιράζεται πρόθυμα",
                "ξεχνά συχνά",
                "φροντίζει πάντα",
                "επαινεί σπάνια",
                "διορθώνει ήσυχα",
                "θυμάται ακόμη",
            ],
            &[
                "το παλιό γεφύρι",
                "ένα ζεστό δείπνο",
                "τον κήπο των άλλων",
                "την τίμια δουλειά",
                "το δανεικό βιβλίο",
                "την όχθη του ποταμού",
            ],
            &[
                "πριν από τη συγκομιδή",
                "στους δύσκολους καιρούς",
                "χωρίς να του το ζητήσουν",
                "για χάρη της ειρήνης",
                "τις μέρες της αγοράς",
                "όταν έρχεται η βροχή",
            ],
        ],
        glue: " ",
        end: ".",
    },
];

impl Tongue {
    /// Sentence `n` of 1,296, into `out`.
    pub fn sentence(&self, n: usize, out: &mut String) {
        let mut n = n;
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                out.push_str(self.glue);
            }
            out.push_str(part[n % part.len()]);
            n /= part.len();
        }
        out.push_str(self.end);
    }
}
